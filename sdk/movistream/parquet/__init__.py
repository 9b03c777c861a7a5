"""Tables of what was seen, as Parquet: what their columns mean, and their files."""
