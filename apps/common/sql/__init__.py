"""Statements written for speed: planned ones, compiled reads, compiled inserts."""
