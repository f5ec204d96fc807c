"""Unmodified clients against a whole cloud: one cloud for the package, hence a package."""
