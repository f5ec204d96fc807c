"""Refusals of volumes.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import NotFound


class VolumeNotFound(NotFound):
    template = "Volume {volume} could not be found."


class SnapshotNotFound(NotFound):
    template = "Snapshot {snapshot} could not be found."


class AttachmentNotFound(NotFound):
    template = "Volume attachment could not be found with filter: attachment_id = {attachment}."
