"""Which hosts may be gateways of routers: all but lost ones, where OVN cannot tell by itself which host is lost.

Hosts that are gateways watch each other through their tunnels (BFD). One of two that hears nothing cannot know which of
them is cut off, and takes nothing over; with three and more, the others agree. So while a loss leaves fewer than three
hosts, the lost one is taken off every router's list of gateway hosts, and its successor carries the traffic at once.

A host is lost when an operator forced it down, when its agent was not heard for as long as makes it `down`, or when a
heartbeat is missing and its machine does not answer: an agent that merely restarts moves no gateway.
"""

import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings

from apps.scheduling.selectors import hosts
from apps.scheduling.selectors.hosts import Pulse

OVN_DECIDES = 3  # hosts that are left: enough for OVN to take over by itself
LATE_SECONDS = 1.0
PROBE_SECONDS = 0.5
FRESH_SECONDS = 3.0


class GatewayHosts:
    """The hosts that may be gateways, looked up again when the last look is older than a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: tuple[float, tuple[str, ...]] = (float("-inf"), ())

    def names(self) -> tuple[str, ...]:
        """Return the names, in order. 1 query, unless looked up lately."""
        with self._lock:
            seen, names = self._seen
        return names if time.monotonic() - seen < FRESH_SECONDS else self.refresh()

    def refresh(self) -> tuple[str, ...]:
        """Look now. 1 query; hosts that missed a heartbeat are asked for an answer."""
        names = usable(hosts.pulses())
        with self._lock:
            self._seen = time.monotonic(), names
        return names


def usable(pulses: Sequence[Pulse]) -> tuple[str, ...]:
    """Return the hosts that may be gateways; all of them while OVN decides, or if none would be left."""
    kept = tuple(host.name for host in pulses if not is_lost(host))
    every = tuple(host.name for host in pulses)
    return every if len(kept) >= OVN_DECIDES else kept or every


def is_lost(host: Pulse) -> bool:
    """Say whether a host is lost."""
    return host.is_down or (host.silent_s > settings.HEARTBEAT_SECONDS + LATE_SECONDS and not answers(host.agent_url))


def answers(url: str) -> bool:
    """Say whether a machine answers, be it by a refusal. Without an address nothing is known, so it does."""
    place = urlsplit(url)
    if not place.hostname:
        return True
    try:
        socket.create_connection((place.hostname, place.port or 80), PROBE_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True
