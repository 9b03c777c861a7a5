"""Measurements of model files, on any device that runs them."""
