"""Consultations that are live now: seats, lifetimes, and what a room does with its events."""
