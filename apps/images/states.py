"""The words of Glance: statuses, visibilities, formats."""

QUEUED = "queued"
SAVING = "saving"
ACTIVE = "active"
DEACTIVATED = "deactivated"
DELETED = "deleted"
STATUSES = (QUEUED, SAVING, ACTIVE, DEACTIVATED, DELETED)

PUBLIC = "public"
PRIVATE = "private"
SHARED = "shared"
COMMUNITY = "community"
VISIBILITIES = (PUBLIC, COMMUNITY, SHARED, PRIVATE)

PENDING = "pending"
ACCEPTED = "accepted"
REJECTED = "rejected"
MEMBER_STATUSES = (PENDING, ACCEPTED, REJECTED)

# Only formats whose inspection proves something. ami, ari and aki are raw bits by another name.
DISK_FORMATS = ("raw", "qcow2", "iso", "vmdk", "vdi", "vhd", "vhdx", "ami", "ari", "aki")
CONTAINER_FORMATS = ("bare", "ovf", "ova", "ami", "ari", "aki", "docker", "compressed")
RAW_FORMATS = ("raw", "ami", "ari", "aki")
