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

# Only formats whose inspection proves something.
DISK_FORMATS = ("raw", "qcow2", "iso", "vmdk", "vdi", "vhd", "vhdx")
CONTAINER_FORMATS = ("bare", "ovf", "ova", "docker", "compressed")
# Amazon's kernel, ramdisk and file system apart: no host boots them.
AMAZON_FORMATS = ("ami", "ari", "aki")
