"""Readers of hosts, aggregates and allocations."""
