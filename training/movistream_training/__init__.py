"""Training and judging of stream models."""
