"""Streams being watched: what their answers mean, and when to forget."""
