"""Types and statuses of migrations: Nova's words (nova/objects/fields.py, nova/compute/manager.py)."""

MIGRATION, RESIZE, LIVE, EVACUATION = "migration", "resize", "live-migration", "evacuation"
TYPES = (MIGRATION, RESIZE, LIVE, EVACUATION)

# On its way
QUEUED, PREPARING, RUNNING, POST_MIGRATING = "queued", "preparing", "running", "post-migrating"
ACCEPTED, PRE_MIGRATING, MIGRATING = "accepted", "pre-migrating", "migrating"
# The server runs on the destination, and both hosts are held until it is confirmed or reverted.
FINISHED = "finished"
CONFIRMING, REVERTING = "confirming", "reverting"
EITHER_WAY = (FINISHED, CONFIRMING, REVERTING)
# Over
CONFIRMED, REVERTED, COMPLETED, DONE = "confirmed", "reverted", "completed", "done"
ERROR, FAILED, CANCELLED = "error", "failed", "cancelled"

ENDED = (CONFIRMED, REVERTED, COMPLETED, DONE, ERROR, FAILED, CANCELLED)
LIVE_IN_PROGRESS = (QUEUED, PREPARING, RUNNING, POST_MIGRATING)
STATUSES = (
    QUEUED, PREPARING, RUNNING, POST_MIGRATING, ACCEPTED, PRE_MIGRATING, MIGRATING, FINISHED, CONFIRMING, REVERTING,
    *ENDED,
)  # fmt: skip
