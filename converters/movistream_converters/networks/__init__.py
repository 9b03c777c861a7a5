"""Families of networks, described as data."""
