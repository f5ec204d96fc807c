"""Hosts, aggregates, inventories and allocations."""

from apps.scheduling.models.aggregates import Aggregate
from apps.scheduling.models.allocations import Allocation
from apps.scheduling.models.hosts import Host
from apps.scheduling.models.inventories import Inventory
from apps.scheduling.models.schedulers import Scheduler
from apps.scheduling.models.stamps import Stamp

__all__ = ["Aggregate", "Allocation", "Host", "Inventory", "Scheduler", "Stamp"]
