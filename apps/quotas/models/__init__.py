"""Limits, usages and reservations."""

from apps.quotas.models.limits import Limit
from apps.quotas.models.reservations import Reservation
from apps.quotas.models.usages import Usage

__all__ = ["Limit", "Reservation", "Usage"]
