"""From what was said to a report whose every sentence can be proved."""
