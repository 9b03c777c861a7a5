"""The model file: read without trust, checked, described."""
