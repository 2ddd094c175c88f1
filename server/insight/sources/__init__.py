"""Other systems that an agent may look things up in: read-only, bounded, configured by the server's owner alone."""
