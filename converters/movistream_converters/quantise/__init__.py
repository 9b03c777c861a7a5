"""Smaller numbers: ranges from videos, what becomes int8, and what it costs."""
