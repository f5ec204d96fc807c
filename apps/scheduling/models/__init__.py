"""Hosts, inventories and allocations."""

from apps.scheduling.models.allocations import Allocation
from apps.scheduling.models.hosts import Host
from apps.scheduling.models.inventories import Inventory

__all__ = ["Allocation", "Host", "Inventory"]
