"""Expiry of reservations and uploads."""

from apps.compute.selectors import servers
from apps.images.services import images
from apps.quotas.services import reservations as quota_reservations
from apps.workflow.selectors import runs


def reservations() -> int:
    """Settle reservations that no run will: commit them if the server counts, else cancel them.

    A run that takes long, a backup say, settles its own.
    """
    expired = quota_reservations.expired()
    busy = set(runs.active().filter(subject_id__in=expired).values_list("subject_id", flat=True))
    consumers = [consumer for consumer in expired if consumer not in busy]
    present = servers.counted(server_ids=consumers)
    quota_reservations.commit(consumers=[consumer for consumer in consumers if consumer in present])
    quota_reservations.cancel(consumers=[consumer for consumer in consumers if consumer not in present])
    return len(consumers)


def uploads() -> int:
    """Clean up after uploads whose client or API process died."""
    return int(images.expire_stale_uploads())
