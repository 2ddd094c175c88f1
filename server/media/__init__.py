"""RTP in, RTP out: forwarded, never re-encoded."""
