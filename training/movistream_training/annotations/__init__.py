"""Annotations of data sets in the formats in which these are published."""
