"""Readers of compute's rows."""
