"""Quota sets and limits as documents."""

from collections.abc import Mapping
from typing import Any

from apps.volumes.selectors import quota_sets


def render(limits: Mapping[str, int], **more: Any) -> dict[str, Any]:
    return {**limits, **quota_sets.UNUSED, **more}


def render_usage(values: Mapping[str, Mapping[str, int]], **more: Any) -> dict[str, Any]:
    unused = {"limit": 0, "in_use": 0, "reserved": 0, "allocated": 0}
    return {**values, **{name: dict(unused) for name in quota_sets.UNUSED}, **more}


def render_absolute(limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Return the absolute limits of GET /limits, with what is used."""
    return {
        "maxTotalVolumes": limits["volumes"],
        "maxTotalSnapshots": limits["snapshots"],
        "maxTotalVolumeGigabytes": limits["gigabytes"],
        "maxTotalBackups": 0,
        "maxTotalBackupGigabytes": 0,
        "totalVolumesUsed": used.get("volumes", 0),
        "totalSnapshotsUsed": used.get("snapshots", 0),
        "totalGigabytesUsed": used.get("gigabytes", 0),
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
