"""PostgreSQL (embedded by default): the truth of everything but the audio."""
