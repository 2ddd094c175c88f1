"""The durable truth of what was said: journal, timeline, finalized files."""
