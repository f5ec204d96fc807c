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
# Amazon's file system, ramdisk and kernel apart: raw data all three, and formats of disk and container alike.
AMAZON_FORMATS = ("ami", "ari", "aki")
DISK_FORMATS = ("raw", "qcow2", "iso", "vmdk", "vdi", "vhd", "vhdx", *AMAZON_FORMATS)
CONTAINER_FORMATS = ("bare", "ovf", "ova", "docker", "compressed", *AMAZON_FORMATS)
