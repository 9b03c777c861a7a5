"""The model in the box that tells a watching camera what is wrong with its picture."""
