"""Weighers: each a pure class in its file. ``apps/scheduling/chosen.py`` lists those that run, with multipliers."""
