"""Where a new volume is to be, or not to be, for the sake of others: the hints of its request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.common.identifiers import parse_uuid
from apps.scheduling.selectors import hosts
from apps.volumes.models import Volume
from apps.volumes.selectors import pools

SAME, DIFFERENT, LOCAL = "same_host", "different_host", "local_to_instance"


@dataclass(frozen=True, slots=True)
class Affinity:
    """``same``: only these hosts (None: any). ``different``: none of these."""

    same: frozenset[str] | None = None
    different: frozenset[str] = frozenset()

    def miss(self, host: str) -> str:
        """Return why a volume does not go to a host, as a predicate; "" if it may."""
        if self.same is not None and host not in self.same:
            return "has none of what the volume is to be with"
        return "has a volume to keep away from" if host in self.different else ""


def ids(hints: Mapping[str, Any], name: str) -> list[str]:
    """Return the IDs that a hint names: one, or a list."""
    value = hints.get(name) or []
    return [str(key) for key in (value if isinstance(value, list) else [value])]


def of(volume: Volume, *, server_host: str | None = None) -> Affinity:
    """Return what the volume's hints say of hosts, for its back end. Other projects' volumes count for none.

    ``server_host``: that of the server which the hint ``local_to_instance`` names; None without that hint. A pool that
    all hosts see is one place. At most 3 queries, none without hints.
    """
    hints = volume.scheduler_hints
    near, far = ids(hints, SAME), ids(hints, DIFFERENT)
    if not near and not far and server_host is None:
        return Affinity()
    shared = pools.is_shared(backend=volume.backend)
    same = _hosts(volume, near, everywhere=shared) if near else None
    if server_host is not None and not shared:
        here = frozenset({server_host} if server_host else ())
        same = here if same is None else same & here
    return Affinity(same, _hosts(volume, far, everywhere=shared) if far else frozenset())


def _hosts(volume: Volume, keys: list[str], *, everywhere: bool) -> frozenset[str]:
    known = [key for key in map(parse_uuid, keys) if key is not None]
    rows = Volume.objects.filter(id__in=known, project_id=volume.project_id, deleted_at=None, backend=volume.backend)
    having = frozenset(rows.exclude(host="").values_list("host", flat=True))
    return frozenset(row.name for row in hosts.all_hosts()) if everywhere and having else having
