"""Readers of limits and usages."""
