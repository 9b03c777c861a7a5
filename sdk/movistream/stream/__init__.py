"""A model in an engine, and the streams that step through it."""
