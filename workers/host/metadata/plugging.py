"""Keeps the networks of the host's ports plugged: a thread that looks at the files, and mends what was lost.

Sets:
  wanted  = networks of the ports that are recorded on this host
  plugged = networks whose pair of devices this process made
Rules:
  wanted - plugged                                -> plugged, and served
  plugged - wanted                                -> unplugged
  plugged without its place on the switch         -> plugged again
  a place on the switch of no plugged network     -> removed: a process before this one was killed
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from workers.drivers.errors import DriverError
from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.host.metadata import logs
from workers.host.metadata.askers import Askers, Table, table

LOOK_SECONDS = 0.25
MEND_SECONDS = 10.0
RETRY_SECONDS = 1.0
Serve = Callable[[str, tuple[socket.socket, ...]], None]


class Links(Protocol):
    """What plugs; see ``MetadataLinks``."""

    def plug(self, network_id: str, mtu: int, neighbours: Mapping[str, str]) -> tuple[socket.socket, ...]: ...

    def unplug(self, network_id: str) -> None: ...

    def set_neighbours(self, network_id: str, wanted: Mapping[str, str]) -> None: ...

    def broken(self, network_ids: frozenset[str]) -> frozenset[str]: ...

    def remove_strays(self, network_ids: frozenset[str]) -> None: ...


class Plugging:
    """``serve`` is given a network and its listening sockets; none of them: stop serving it."""

    def __init__(self, ports: KnownPorts, links: Links, askers: Askers, serve: Serve) -> None:
        self._ports, self._links, self._askers, self._serve = ports, links, askers, serve
        self._plugged: set[str] = set()
        self._problems = logs.Problems()
        self._seen = -1
        self._stop = threading.Event()

    @property
    def networks(self) -> int:
        return len(self._plugged)

    def run(self) -> None:
        """Look until stopped, then unplug everything."""
        mended = -MEND_SECONDS
        while not self._stop.wait(LOOK_SECONDS):
            mends = time.monotonic() - mended >= MEND_SECONDS
            try:
                self.compare(mends=mends)
                mended = time.monotonic() if mends else mended
                self._problems.over("metadata ports not plugged")
            except Exception as error:  # whatever it is: without this thread no further guest is served
                self._problems.met("metadata ports not plugged", error)
                self._seen, mended = -1, -MEND_SECONDS  # look at everything again
                self._stop.wait(RETRY_SECONDS)
        with suppress(DriverError, OSError):
            self._links.remove_strays(frozenset())

    def stop(self) -> None:
        self._stop.set()

    def compare(self, *, mends: bool) -> None:
        """Compare once; ``mends`` also looks at the switch. Raises DriverError, OSError."""
        changed = self._changed()
        if not changed and not mends:
            return
        ports = self._ports.read()
        wanted = table(ports)
        self._askers.drop_others(wanted)
        mtus = {port.network_id: port.mtu for port in ports}
        for network_id in self._plugged - mtus.keys():
            self._serve(network_id, ())
            self._links.unplug(network_id)
            self._plugged.discard(network_id)
            logs.write("info", "network unplugged", network=network_id)
        if mends:
            self._links.remove_strays(frozenset(self._plugged))
            self._plugged -= self._links.broken(frozenset(self._plugged))
        self._have(mtus, wanted)

    def _have(self, mtus: dict[str, int], wanted: Table) -> None:
        """Plug networks, and serve their guests. One that fails keeps no other from it, and is raised in the end.

        A guest is served once its MAC is known to the device: before, others could have connected from its address.
        """
        failed: DriverError | OSError | None = None
        for network_id, mtu in sorted(mtus.items()):
            if self._stop.is_set():
                return
            neighbours = {address: port.mac for address, port in wanted[network_id].items()}
            try:
                if network_id not in self._plugged:
                    self._plug(network_id, mtu, neighbours)
                else:
                    self._links.set_neighbours(network_id, neighbours)
                self._askers.have(network_id, wanted[network_id])
            except (DriverError, OSError) as error:
                failed = error
        if failed is not None:
            raise failed

    def _plug(self, network_id: str, mtu: int, neighbours: Mapping[str, str]) -> None:
        self._serve(network_id, ())
        self._serve(network_id, self._links.plug(network_id, mtu, neighbours))
        self._plugged.add(network_id)
        logs.write("info", "network plugged", network=network_id)

    def _changed(self) -> bool:
        try:
            now = self._ports.directory.stat().st_mtime_ns
        except FileNotFoundError:
            now = 0
        seen, self._seen = self._seen, now
        return now != seen
