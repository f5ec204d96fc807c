"""The audit: what the database says against what is there. It reads, and repairs nothing."""
