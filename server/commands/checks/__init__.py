"""What `doctor` looks at: one file a check, each an `async check(settings)` that returns one finding."""
