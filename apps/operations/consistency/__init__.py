"""Rows of all applications compared with each other in SQL. It reads, and repairs nothing."""
