"""Filters: each a pure class in its file. ``engine/enabled.py`` lists those that run; docs/scheduling.md explains how
to add one.
"""
