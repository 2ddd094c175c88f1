"""Opus as everybody needs it: what a packet says about itself, and libopus."""
