"""Filters: each one pure class in its file, named in the setting SCHEDULER_FILTERS."""
