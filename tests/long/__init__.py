"""What takes longer than a newcomer waits: kills, loads, hostile input in bulk. ``make test-long``."""
