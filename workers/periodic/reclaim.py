"""Deletes whose time for a restore is over."""

from apps.compute.services import soft_deletes


def reclaim() -> int:
    return soft_deletes.reclaim()
