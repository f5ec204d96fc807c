"""Operators' pages of volumes, snapshots and volume types."""

from apps.volumes.admin import snapshots, volume_types, volumes

__all__ = ["snapshots", "volume_types", "volumes"]
