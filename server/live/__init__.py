"""Presence and recent events for replay: memory for one node, or Redis."""
