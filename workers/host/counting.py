"""How many guests each host has: counted beside the heartbeat, which reports the counts and never waits for them."""

import threading
from collections.abc import Sequence

import structlog

from workers.config import HostDrivers

log = structlog.get_logger("celerity.agent")


class GuestCounts:
    """The last count of every host. ``refresh`` may take long; ``changed`` and ``reported`` never do."""

    def __init__(self, hosts: Sequence[HostDrivers]) -> None:
        self._hosts = list(hosts)
        self._guard = threading.Lock()
        self._counted: dict[str, int] = {}
        self._reported: dict[str, int] = {}

    def refresh(self) -> None:
        """Start counting at zero. A host that cannot be counted keeps its last count."""
        for drivers in self._hosts:
            try:
                servers = drivers.hypervisor.use().servers
            except Exception as error:
                log.warning("guests not counted", host=drivers.host, error=f"{type(error).__name__}: {error}"[:300])
                continue
            with self._guard:
                self._counted[drivers.host] = servers

    def changed(self) -> dict[str, int]:
        """Return the counts that differ from the reported ones."""
        with self._guard:
            return {host: count for host, count in self._counted.items() if self._reported.get(host) != count}

    def reported(self, counts: dict[str, int]) -> None:
        """Note that ``counts`` are written."""
        with self._guard:
            self._reported |= counts

    def forget_reported(self) -> None:
        """Have every count reported again."""
        with self._guard:
            self._reported.clear()
