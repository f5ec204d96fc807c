"""Rows of the volume service."""

from apps.volumes.models.attachments import Attachment
from apps.volumes.models.snapshots import Snapshot
from apps.volumes.models.volume_types import VolumeType, VolumeTypeAccess
from apps.volumes.models.volumes import Volume

__all__ = ["Attachment", "Snapshot", "Volume", "VolumeType", "VolumeTypeAccess"]
