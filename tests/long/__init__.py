"""What takes longer than a newcomer waits; ``make test-long``."""
