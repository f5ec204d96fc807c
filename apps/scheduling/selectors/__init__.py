"""Readers of hosts and allocations."""
