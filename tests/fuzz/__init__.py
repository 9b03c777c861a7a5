"""Hostile files in bulk: what is valid enough to be believed, and wrong enough to do harm."""
