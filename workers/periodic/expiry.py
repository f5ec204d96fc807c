"""Expiry of reservations and uploads."""

from apps.compute.selectors import servers
from apps.images.services import images
from apps.quotas.services import reservations as quota_reservations


def reservations() -> int:
    """Settle reservations of runs that never ended: commit them if the server counts, else cancel them."""
    consumers = quota_reservations.expired()
    present = servers.counted(server_ids=consumers)
    quota_reservations.commit(consumers=[consumer for consumer in consumers if consumer in present])
    quota_reservations.cancel(consumers=[consumer for consumer in consumers if consumer not in present])
    return len(consumers)


def uploads() -> int:
    """Clean up after uploads whose client or API process died."""
    return int(images.expire_stale_uploads())
