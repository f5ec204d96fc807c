"""Filters: each a pure class in its file. ``apps/scheduling/chosen.py`` lists those that run; docs/scheduling.md tells
how to add one.
"""
