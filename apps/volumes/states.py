"""Statuses of volumes, snapshots and attachments: Cinder's vocabulary, and the legal moves between them."""

SUBJECT = "volume"  # the types of the subjects in rows of workflow
SNAPSHOT = "snapshot"
BACKUP = "backup"
SERVER = "server"  # compute's

CREATING = "creating"
DOWNLOADING = "downloading"  # an image's data comes into the volume
AVAILABLE = "available"
RESERVED = "reserved"
ATTACHING = "attaching"
IN_USE = "in-use"
DETACHING = "detaching"
MAINTENANCE = "maintenance"
UPLOADING = "uploading"
EXTENDING = "extending"
REVERTING = "reverting"
RETYPING = "retyping"
BACKING_UP = "backing-up"
RESTORING_BACKUP = "restoring-backup"
RESTORING = "restoring"  # of a backup, and of the snapshot that a volume is reverted to
AWAITING_TRANSFER = "awaiting-transfer"
DELETING = "deleting"
DELETED = "deleted"
ERROR = "error"
ERROR_DELETING = "error_deleting"
ERROR_EXTENDING = "error_extending"
ERROR_RESTORING = "error_restoring"

VOLUME_STATUSES = (
    CREATING,
    DOWNLOADING,
    AVAILABLE,
    RESERVED,
    ATTACHING,
    IN_USE,
    DETACHING,
    MAINTENANCE,
    UPLOADING,
    EXTENDING,
    REVERTING,
    RETYPING,
    BACKING_UP,
    RESTORING_BACKUP,
    AWAITING_TRANSFER,
    DELETING,
    DELETED,
    ERROR,
    ERROR_DELETING,
    ERROR_EXTENDING,
    ERROR_RESTORING,
)
ERRORS = (ERROR, ERROR_DELETING, ERROR_EXTENDING, ERROR_RESTORING)
# A run works on the volume; nothing else may begin.
BUSY = (
    CREATING,
    DOWNLOADING,
    ATTACHING,
    DETACHING,
    UPLOADING,
    EXTENDING,
    REVERTING,
    RETYPING,
    BACKING_UP,
    RESTORING_BACKUP,
    DELETING,
)
# With a file, or what a back end has instead, that guests and copies may read.
READABLE = (AVAILABLE, IN_USE, RESERVED, ATTACHING, DETACHING, MAINTENANCE, UPLOADING)

# status -> the statuses that lead there. A status that a run's steps claim leads to itself: a step may be repeated.
# An operator's reset (os-reset_status) is no move: it sets any status.
VOLUME_MOVES: dict[str, tuple[str, ...]] = {
    CREATING: (CREATING,),
    DOWNLOADING: (CREATING, DOWNLOADING),
    AVAILABLE: (*BUSY[:-1], AVAILABLE, RESERVED, IN_USE, MAINTENANCE, AWAITING_TRANSFER),
    RESERVED: (AVAILABLE, RESERVED, DOWNLOADING),
    ATTACHING: (AVAILABLE, RESERVED, ATTACHING, IN_USE),
    IN_USE: (RESERVED, ATTACHING, DETACHING, IN_USE, UPLOADING, EXTENDING, BACKING_UP, RETYPING),
    DETACHING: (IN_USE, DETACHING),
    MAINTENANCE: (AVAILABLE, MAINTENANCE),
    UPLOADING: (AVAILABLE, IN_USE, UPLOADING),
    EXTENDING: (AVAILABLE, IN_USE, ERROR_EXTENDING, EXTENDING),
    REVERTING: (AVAILABLE, REVERTING),
    RETYPING: (AVAILABLE, IN_USE, RETYPING),
    BACKING_UP: (AVAILABLE, IN_USE, BACKING_UP),
    RESTORING_BACKUP: (AVAILABLE, RESTORING_BACKUP),
    AWAITING_TRANSFER: (AVAILABLE,),
    DELETING: tuple(status for status in VOLUME_STATUSES if status != DELETED),
    DELETED: (DELETING,),
    ERROR: tuple(status for status in VOLUME_STATUSES if status not in (DELETED, DELETING)),
    ERROR_DELETING: (DELETING,),
    ERROR_EXTENDING: (EXTENDING,),
    ERROR_RESTORING: (RESTORING_BACKUP,),
}
# What deletes a volume without force begins in (cinder/volume/api.py, delete).
DELETABLE = (AVAILABLE, *ERRORS)

SNAPSHOT_STATUSES = (
    CREATING, AVAILABLE, BACKING_UP, RESTORING, RESTORING_BACKUP, DELETING, DELETED, ERROR, ERROR_DELETING
)  # fmt: skip
SNAPSHOT_MOVES: dict[str, tuple[str, ...]] = {
    CREATING: (CREATING,),
    AVAILABLE: (CREATING, BACKING_UP, RESTORING, RESTORING_BACKUP),
    RESTORING: (AVAILABLE, RESTORING),
    BACKING_UP: (AVAILABLE, BACKING_UP),
    RESTORING_BACKUP: (AVAILABLE, RESTORING_BACKUP),
    DELETING: tuple(status for status in SNAPSHOT_STATUSES if status != DELETED),
    DELETED: (DELETING,),
    ERROR: (CREATING, AVAILABLE, BACKING_UP, RESTORING, RESTORING_BACKUP),
    ERROR_DELETING: (DELETING,),
}
SNAPSHOT_DELETABLE = (AVAILABLE, ERROR, ERROR_DELETING)

BACKUP_STATUSES = (CREATING, AVAILABLE, RESTORING, DELETING, DELETED, ERROR, ERROR_DELETING)
BACKUP_MOVES: dict[str, tuple[str, ...]] = {
    CREATING: (CREATING,),
    AVAILABLE: (CREATING, RESTORING),
    RESTORING: (AVAILABLE, RESTORING),
    DELETING: tuple(status for status in BACKUP_STATUSES if status != DELETED),
    DELETED: (DELETING,),
    ERROR: (CREATING, AVAILABLE, RESTORING),
    ERROR_DELETING: (DELETING,),
}
BACKUP_DELETABLE = (AVAILABLE, ERROR, ERROR_DELETING)

# migration_status: of a volume that moves to another back end, or has moved.
STARTING, MIGRATING, COMPLETING, SUCCESS = "starting", "migrating", "completing", "success"
MOVING = (STARTING, MIGRATING, COMPLETING)

# attach_status of an attachment, in its order; a deleted attachment has no row.
ATTACHED = "attached"
ATTACHMENT_STATUSES = (RESERVED, ATTACHING, ATTACHED, DETACHING, "error_attaching", "error_detaching")

READ_WRITE, READ_ONLY = "rw", "ro"
MODES = (READ_WRITE, READ_ONLY)
QCOW2, RAW = "qcow2", "raw"
