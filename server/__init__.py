"""Escuta: two-party video consultations through a server that listens with them."""

__version__ = "0.1.0"
