"""Consistency: rows against rows, and rows against hosts. It reads, and repairs nothing."""
