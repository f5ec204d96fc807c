"""Services as documents, by microversion."""

from typing import TYPE_CHECKING, Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.compute.selectors.services import BINARY, INTERNAL_ZONE, SCHEDULER_BINARY

if TYPE_CHECKING:
    from apps.scheduling.models import Host, Scheduler

FIELDS = {"forced_down": since("2.11")}
UUIDS = since("2.53")


def render(host: "Host", version: Version) -> dict[str, Any]:
    document = {
        "id": str(host.id) if version in UUIDS else host.number,
        "binary": BINARY,
        "host": host.name,
        "zone": host.zone,
        "status": "enabled" if host.enabled else "disabled",
        "state": "up" if host.is_up else "down",
        "updated_at": microseconds(host.heartbeat_at),
        "disabled_reason": host.disabled_reason or None,
        "forced_down": host.forced_down,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_scheduler(machine: "Scheduler", version: Version) -> dict[str, Any]:
    """Return the service of a machine's schedulers: it cannot be disabled or forced down."""
    document = {
        "id": str(machine.id) if version in UUIDS else machine.number,
        "binary": SCHEDULER_BINARY,
        "host": machine.host,
        "zone": INTERNAL_ZONE,
        "status": "enabled",
        "state": "up" if machine.is_up else "down",
        "updated_at": microseconds(machine.heartbeat_at),
        "disabled_reason": None,
        "forced_down": False,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))
