"""Weighers: each one pure class in its file, named with its multiplier in the setting SCHEDULER_WEIGHERS."""
