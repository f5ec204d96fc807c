"""Notes where the cloud's certificate authority is: other hosts ask that host for their next certificate."""

from apps.networking.models import CloudProperty
from apps.networking.selectors import authorities
from apps.networking.states import AUTHORITY


def record(*, host: str) -> None:
    """Write the host that has the authority. 1 query if that is known."""
    if authorities.host() != host:
        CloudProperty.objects.update_or_create(name=AUTHORITY, defaults={"value": host})
