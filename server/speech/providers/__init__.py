"""Speech providers, one file each, found by name."""
