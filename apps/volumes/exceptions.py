"""Refusals of volumes, in Cinder's words (cinder/exception.py).

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, CloudError, Conflict, Forbidden, NotFound, TooLarge, Unavailable


class VolumeNotFound(NotFound):
    template = "Volume {volume} could not be found."


class SnapshotNotFound(NotFound):
    template = "Snapshot {snapshot} could not be found."


class MetadataChanged(CloudError):
    code = 412
    template = "The metadata has changed since it was read."


class InvalidTypeZones(BadRequest):
    template = "Volume type is only supported in these availability zones: {zones}"


class BackupNotFound(NotFound):
    template = "Backup {backup} could not be found."


class BackupPlanNotFound(NotFound):
    template = "Backup plan {plan} could not be found."


class QosSpecNotFound(NotFound):
    template = "No such qos spec {qos}."


class QosSpecKeyNotFound(NotFound):
    template = "QoS spec {qos} has no spec with key {key}."


class EncryptionTypeNotFound(NotFound):
    template = "Volume type encryption for type {type} does not exist."


class DefaultTypeNotFound(NotFound):
    template = "Default type for project {project} not found."


class GroupNotFound(NotFound):
    template = "Group {group} could not be found."


class GroupSnapshotNotFound(NotFound):
    template = "GroupSnapshot {snapshot} could not be found."


class GroupTypeNotFound(NotFound):
    template = "Group type {type} could not be found."


class GroupSpecNotFound(NotFound):
    template = "Group Type {type} has no specs with key {key}."


class AttachmentNotFound(NotFound):
    template = "Volume attachment could not be found with filter: attachment_id = {attachment}."


class VolumeTypeNotFound(NotFound):
    template = "Volume type {type} could not be found."


class ExtraSpecNotFound(NotFound):
    template = "Volume Type {type} has no extra specs with key {key}."


class TypeAccessNotFound(NotFound):
    template = "Volume type access not found for {type} / {project} combination."


class VolumeMetadataNotFound(NotFound):
    template = "Volume {volume} has no metadata with key {key}."


class SnapshotMetadataNotFound(NotFound):
    template = "Snapshot {snapshot} has no metadata with key {key}."


class ImageMetadataNotFound(NotFound):
    template = "Metadata {key} does not exist for volume {volume}."


class TransferNotFound(NotFound):
    template = "Transfer {transfer} could not be found."


class MessageNotFound(NotFound):
    template = "Message {message} could not be found."


class ServiceHostNotFound(NotFound):
    template = "Host {host} could not be found."


class VolumeTypeExists(Conflict):
    template = "Volume Type {name} already exists."


class TypeAccessExists(Conflict):
    template = "Volume type access for {type} / {project} combination already exists."


class GroupTypeExists(Conflict):
    template = "Group Type {name} already exists."


class GroupTypeInUse(BadRequest):
    kind = "GroupTypeInUse"
    template = "Group Type {type} deletion is not allowed with groups present with the type."


class InvalidGroup(BadRequest):
    kind = "InvalidGroup"
    template = "Invalid group: {reason}"


class QosSpecExists(Conflict):
    template = "QoS Specs {name} already exists."


class EncryptionTypeExists(BadRequest):
    kind = "VolumeTypeEncryptionExists"
    template = "Volume type encryption for type {type} already exists."


class EncryptionTypeInUse(BadRequest):
    kind = "VolumeTypeEncryptionInUse"
    template = "Cannot change encryption specs. Volume type in use."


class QosSpecInUse(BadRequest):
    kind = "QoSSpecsInUse"
    template = "QoS Specs {qos} is still associated with entities."


class InvalidQosSpec(BadRequest):
    kind = "InvalidQoSSpecs"
    template = "Invalid qos specs: {reason}"


class UsedByCompute(Conflict):
    """409: the compute service ends what it began (OSSA-2023-003)."""

    template = "Detach volume {volume} from server {server} using the Compute API"


class ActionNotOffered(BadRequest):
    template = "This cloud does not offer {what}: the action '{action}' is not available."


class InvalidInput(BadRequest):
    kind = "InvalidInput"
    template = "Invalid input received: {reason}"


class InvalidVolume(BadRequest):
    kind = "InvalidVolume"
    template = "Invalid volume: {reason}"


class InvalidReference(BadRequest):
    kind = "ManageExistingInvalidReference"
    template = "Manage existing volume failed due to invalid backend reference {ref}: {reason}"


class TypeMismatch(BadRequest):
    kind = "ManageExistingVolumeTypeMismatch"
    template = "Manage existing volume failed due to volume type mismatch: {reason}"


class InvalidHost(BadRequest):
    kind = "InvalidHost"
    template = "Invalid host: {reason}"


class InvalidSnapshot(BadRequest):
    kind = "InvalidSnapshot"
    template = "Invalid snapshot: {reason}"


class InvalidBackup(BadRequest):
    kind = "InvalidBackup"
    template = "Invalid backup: {reason}"


class InvalidVolumeType(BadRequest):
    kind = "InvalidVolumeType"
    template = "Invalid volume type: {reason}"


class VolumeTypeInUse(BadRequest):
    kind = "VolumeTypeInUse"
    template = "Volume Type {type} deletion is not allowed with volumes present with the type."


class LastVolumeType(BadRequest):
    kind = "VolumeTypeDeletionError"
    template = "The volume type {type} cannot be deleted: volumes without a type get it."


class PrivateTypeOnly(Forbidden):
    template = "Type access modification is not applicable to public volume type."


class OverLimit(TooLarge):
    """413: a quota does not suffice. Clients search the sentence for "exceed"."""

    kind = "OverLimit"
    template = "Quota exceeded for resources: {name}"


class VolumeLimitExceeded(OverLimit):
    template = "Maximum number of volumes allowed ({allowed}) exceeded for quota '{name}'."


class SnapshotLimitExceeded(OverLimit):
    template = "Maximum number of snapshots allowed ({allowed}) exceeded for quota '{name}'."


class BackupLimitExceeded(OverLimit):
    template = "Maximum number of backups allowed ({allowed}) exceeded for quota '{name}'."


class GigabytesExceeded(OverLimit):
    template = (
        "Requested volume or snapshot exceeds allowed {name} quota. Requested {requested}G, quota is {allowed}G and "
        "{used}G has been consumed."
    )


class BackupGigabytesExceeded(OverLimit):
    template = (
        "Requested backup exceeds allowed {name} quota. Requested {requested}G, quota is {allowed}G and {used}G has "
        "been consumed."
    )


class VolumeSizeExceedsLimit(OverLimit):
    template = "Requested volume size {size}G exceeds the maximum allowed limit {allowed}G."


class NoBackupService(Unavailable):
    kind = "ServiceNotFound"
    template = "Service cinder-backup could not be found."


class NoPortLeft(Conflict):
    """In no answer of the API: the run that attaches the volume fails with it."""

    template = "The host {host}, which has the volume, has no port left for other hosts ({ports})."
