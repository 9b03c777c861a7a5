"""The demo: the camera-motion model on a clip whose motion is known, or on a camera."""
