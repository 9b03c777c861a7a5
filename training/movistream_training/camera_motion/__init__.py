"""The model in the box: what the camera does, in nine classes."""
