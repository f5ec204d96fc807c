"""Hosts, their inventories and allocations, and aggregates."""

from apps.scheduling.admin import aggregates, allocations, hosts

__all__ = ["aggregates", "allocations", "hosts"]
