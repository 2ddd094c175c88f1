"""HTTP and WebSocket: routes, access, messages."""
