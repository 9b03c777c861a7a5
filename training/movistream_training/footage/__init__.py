"""Photographs, videos and textures, and what a camera takes of them."""
