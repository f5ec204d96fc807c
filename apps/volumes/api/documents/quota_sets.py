"""Quota sets and limits as documents."""

from collections.abc import Mapping
from typing import Any


def render(values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a quota set: limits, or what is used of them, by resource."""
    return {**values, **more}


def render_absolute(limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Return the absolute limits of GET /limits, with what is used."""
    return {
        "maxTotalVolumes": limits["volumes"],
        "maxTotalSnapshots": limits["snapshots"],
        "maxTotalVolumeGigabytes": limits["gigabytes"],
        "maxTotalBackups": limits["backups"],
        "maxTotalBackupGigabytes": limits["backup_gigabytes"],
        "totalVolumesUsed": used.get("volumes", 0),
        "totalSnapshotsUsed": used.get("snapshots", 0),
        "totalGigabytesUsed": used.get("gigabytes", 0),
        "totalBackupsUsed": used.get("backups", 0),
        "totalBackupGigabytesUsed": used.get("backup_gigabytes", 0),
    }
