"""Operators' pages of volumes, snapshots, backups and volume types."""

from apps.volumes.admin import backups, snapshots, volume_types, volumes

__all__ = ["backups", "snapshots", "volume_types", "volumes"]
