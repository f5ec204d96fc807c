"""Readers of runs and steps."""
