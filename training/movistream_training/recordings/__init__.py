"""Recordings in which things happen now and then, several at once: from tables to training and judging."""
