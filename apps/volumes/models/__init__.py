"""Rows of the volume service."""

from apps.volumes.models.attachments import Attachment
from apps.volumes.models.backends import DisabledBackend
from apps.volumes.models.backup_plans import BackupPlan
from apps.volumes.models.backups import Backup
from apps.volumes.models.exports import Export
from apps.volumes.models.groups import Group, GroupSnapshot, GroupType
from apps.volumes.models.messages import Message
from apps.volumes.models.pools import Pool
from apps.volumes.models.qos_specs import QosSpec
from apps.volumes.models.snapshots import Snapshot
from apps.volumes.models.transfers import Transfer
from apps.volumes.models.volume_keys import VolumeKey
from apps.volumes.models.volume_types import DefaultType, EncryptionType, VolumeType, VolumeTypeAccess
from apps.volumes.models.volumes import Volume

__all__ = [
    "Attachment",
    "Backup",
    "BackupPlan",
    "DefaultType",
    "DisabledBackend",
    "EncryptionType",
    "Export",
    "Group",
    "GroupSnapshot",
    "GroupType",
    "Message",
    "Pool",
    "QosSpec",
    "Snapshot",
    "Transfer",
    "Volume",
    "VolumeKey",
    "VolumeType",
    "VolumeTypeAccess",
]
