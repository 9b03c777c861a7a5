"""Recordings in which things happen now and then, several at once."""
