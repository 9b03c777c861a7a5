"""A page, and an interface for programs, over running streams."""
