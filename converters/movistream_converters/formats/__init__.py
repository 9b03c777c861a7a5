"""Readers of weights, one module per format."""
