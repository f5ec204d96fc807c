"""A host's health: its agent's heartbeat, and an operator's "forced down"."""

from typing import Any

from django.utils import timezone

from apps.common.admin import panels
from apps.scheduling.models import Host
from apps.scheduling.models.hosts import alive_since


def state_of(host: Host) -> str:
    return "down" if not host.is_up else "up" if host.enabled else "disabled"


def silent(host: Host) -> float:
    """Return for how long its agent was not heard, in seconds."""
    return max(0.0, (timezone.now() - host.heartbeat_at).total_seconds())


def is_heard(host: Host) -> bool:
    """Return whether its agent sends heartbeats, also for a host that is forced down."""
    return host.heartbeat_at >= alive_since()


def panel_of(host: Host) -> panels.Panel:
    state = state_of(host)
    kind = {"up": "good", "down": "bad"}.get(state, "busy")
    forced = "yes, whatever its agent reports" if host.forced_down else ""
    pairs: list[tuple[str, Any]] = [
        ("state", {"text": state, "kind": kind}),
        ("accepts new servers", "yes" if host.enabled and host.is_up else "no"),
        ("reason", host.disabled_reason),
        ("forced down", forced),
        ("last heartbeat", f"{silent(host):.1f} s ago, at {host.heartbeat_at:%Y-%m-%d %H:%M:%S}"),
        ("agent", host.agent_url),
        ("address", host.address),
        ("zone", host.zone),
        ("hypervisor", f"{host.hypervisor_type} {host.virt_type} {host.arch}"),
        ("uptime", host.uptime),
        ("guests seen", str(host.running_servers)),
        ("registered", f"{host.registered_at:%Y-%m-%d %H:%M:%S}"),
    ]
    note = (
        "The host is forced down, but its agent still reports: the machine is not off."
        if (forced and is_heard(host))
        else ""
    )
    return panels.pairs("Agent", pairs, note=note)
