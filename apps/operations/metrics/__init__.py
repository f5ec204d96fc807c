"""Metrics for Prometheus: counts of rows, the same from any process, and of requests."""
