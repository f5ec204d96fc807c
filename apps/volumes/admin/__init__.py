"""Operators' pages of volumes, snapshots, backups, groups and volume types."""

from apps.volumes.admin import backups, groups, snapshots, volume_types, volumes

__all__ = ["backups", "groups", "snapshots", "volume_types", "volumes"]
