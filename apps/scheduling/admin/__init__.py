"""Hosts, what they have and what is claimed of it, and aggregates."""

from apps.scheduling.admin import aggregates, allocations, hosts

__all__ = ["aggregates", "allocations", "hosts"]
