"""A one-shot search: the members of a space are slices of one network's weights."""
