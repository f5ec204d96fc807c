"""Weighers: each a pure class in its file. ``engine/enabled.py`` lists those that run, with multipliers."""
