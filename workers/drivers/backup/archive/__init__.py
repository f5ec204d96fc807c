"""Backups as chunks in a store of objects: a directory, or a bucket."""
