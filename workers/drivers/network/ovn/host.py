"""One host under OVN: the hypervisor plugs cards into its switch, ovn-controller programs them, this driver watches."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workers.drivers import values
from workers.drivers.network.base import INTEGRATION_BRIDGE, Capabilities, NetworkDriver, PluggedPort, PortSpec
from workers.drivers.network.errors import EngineUnavailable, NetworkUnavailable
from workers.drivers.network.ovn import complaints, guard, interfaces, offloads
from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.drivers.network.ovn.ovsdb import Operation, Ovsdb
from workers.system import processes

_GUARD_SEEN_S = 5.0
_DATABASE = "Open_vSwitch"


class OvnHost(NetworkDriver):
    """Options: `switch` (required): the database of the host's Open vSwitch, `unix:<path>`; `controller_log`: the log
    of its ovn-controller; `metadata_dir`: where the host's metadata process reads which ports there are.

    Nothing of a network is on a host: networks and ports are programmed by the cloud's network engine, from which
    ovn-controller takes what this host needs.
    """

    capabilities = Capabilities(hypervisor_plugs=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is opened."""
        self._switch = Ovsdb(str(options["switch"]), _DATABASE)
        self._watch = interfaces.Watch(self._switch)
        self._seen_guard: tuple[float, dict[str, frozenset[str]]] = (-math.inf, {})
        self._log = Path(options.get("controller_log", "/nonexistent"))
        directory = options.get("metadata_dir")
        self._known = KnownPorts(Path(directory)) if directory else None

    def plug(self, port: PortSpec) -> None:
        """Plug a running guest's tap that lost its place on the switch. One that starts is plugged by libvirt.

        A tap that is still in a bridge of the kernel's leaves it: the guest ran before this cloud had OVN.
        """
        if self._known is not None:
            self._known.record(port)
        if not _exists(port.tap):
            return
        if port.id not in {card.port_id for card in interfaces.read(self._switch)}:
            processes.run(["ip", "link", "set", "dev", port.tap, "nomaster"], timeout_s=10)
            self._switch.transact(_addition(port))
        if port.tap not in guard.taps():
            self._guard({port.tap: port.routers})

    def unplug(self, port_id: str) -> None:
        """libvirt unplugs a guest that ends; a card that it left behind goes."""
        values.check_uuid(port_id, "a port's id")
        if self._known is not None:
            self._known.forget(port_id)
        cards = [card for card in interfaces.read(self._switch) if card.port_id == port_id]
        self._remove(cards)
        guard.remove(card.name for card in cards)

    def list_ports(self) -> tuple[PluggedPort, ...]:
        return tuple(PluggedPort(card.port_id, card.name, card.mac) for card in interfaces.read(self._switch))

    def faults(self, ports: Sequence[PortSpec]) -> dict[str, str]:
        cards = {card.port_id: card for card in interfaces.read(self._switch)}
        guarded = self._guarded()
        faults = ((port.id, self._fault(port, cards.get(port.id), guarded)) for port in ports)
        return {port_id: fault for port_id, fault in faults if fault}

    def admit_routers(self, ports: Sequence[PortSpec]) -> None:
        """A tap without a rule is left alone: that is a fault, which `plug` repairs."""
        guarded = self._guarded()
        plugged = (port for port in ports if port.tap in guarded)
        if changed := {port.tap: port.routers for port in plugged if guarded[port.tap] != {*port.routers}}:
            self._guard(changed)

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """Cards whose tap is gone: their guest was killed while nobody unplugged it.

        Filters of taps that are gone are removed and not listed: they go with every guest that stops.
        """
        strays = [card for card in interfaces.read(self._switch) if not _exists(card.name)]
        if remove:
            self._remove(strays)
            guard.remove(tap for tap in guard.taps() if not _exists(tap))
        return tuple(f"card {card.name}" for card in strays)

    def recorded_ports(self) -> frozenset[str]:
        return self._known.ids() if self._known is not None else frozenset()

    def guest_offloads(self) -> bool:
        """Not in the user-space datapath of a cloud with several hosts, whose tunnels drop such packets before 3.5."""
        return offloads.read(self._switch).guests

    def tunnels_take_offloads(self) -> bool:
        return offloads.read(self._switch).tunnels

    def complaints(self) -> tuple[str, ...]:
        return complaints.recent(self._log)

    def wait_until_up(self, ports: Mapping[str, Sequence[str]], timeout_s: float) -> None:
        """The guard of each tap is in place before a new server is ACTIVE: libvirt makes the tap with the guest."""
        missing = self._watch.wait(ports, timeout_s)
        if missing:
            with suppress(EngineUnavailable):  # a switch that is down passes nothing
                cards = interfaces.read(self._switch)
                self._guard({card.name: ports[card.port_id] for card in cards if card.port_id in ports})
            raise NetworkUnavailable(
                "The network of the server did not come up in time on this host.", details=", ".join(missing)
            )
        self._guard({card: ports[port_id] for card, port_id in self._watch.cards_of(ports).items()})

    def close(self) -> None:
        self._watch.stop()
        self._switch.close()

    def _fault(self, port: PortSpec, card: interfaces.Interface | None, guarded: Collection[str]) -> str:
        if card is None:
            return "not plugged"
        if card.error:
            return card.error
        if not card.installed:
            return "not programmed"
        if card.name not in guarded:
            return "its tap lets router advertisements pass"
        is_known = self._known is None or self._known.is_recorded(port)
        return "" if is_known else "unknown to the metadata process, or otherwise"

    def _guard(self, routers: Mapping[str, Sequence[str]]) -> None:
        guard.ensure(routers)
        self._seen_guard = -math.inf, {}

    def _guarded(self) -> dict[str, frozenset[str]]:
        """The taps that have a filter, with the routers it admits, as seen within the last seconds."""
        seen, taps = self._seen_guard
        if time.monotonic() - seen > _GUARD_SEEN_S:
            taps = guard.taps()
            self._seen_guard = time.monotonic(), taps
        return taps

    def _remove(self, cards: Sequence[interfaces.Interface]) -> None:
        """Take cards off the switch; the database removes rows that the bridge does not list any more."""
        if not cards:
            return
        answers = self._switch.select([("Port", [["name", "==", card.name]], ()) for card in cards])
        ports = [["uuid", str(row["_uuid"])] for rows in answers for row in rows]
        self._switch.transact([_listing("delete", ["set", ports])])


def _exists(device: str) -> bool:
    try:
        socket.if_nametoindex(device)
    except OSError:
        return False
    return True


def _addition(port: PortSpec) -> list[Operation]:
    ids = ["map", [["attached-mac", port.mac], ["iface-id", port.id], ["iface-status", "active"]]]
    return [
        {"op": "insert", "table": "Interface", "uuid-name": "card", "row": {"name": port.tap, "external_ids": ids}},
        {
            "op": "insert",
            "table": "Port",
            "uuid-name": "port",
            "row": {"name": port.tap, "interfaces": ["named-uuid", "card"]},
        },
        _listing("insert", ["set", [["named-uuid", "port"]]]),
    ]


def _listing(how: str, ports: list[Any]) -> Operation:
    where = [["name", "==", INTEGRATION_BRIDGE]]
    return {"op": "mutate", "table": "Bridge", "where": where, "mutations": [["ports", how, ports]]}
