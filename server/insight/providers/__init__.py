"""Chat model providers, one file each, found by name."""
