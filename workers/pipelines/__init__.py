"""Compositions only: an ordered tuple of steps per file."""
