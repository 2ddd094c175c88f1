"""Two real WebRTC clients that play recordings through a whole consultation."""
