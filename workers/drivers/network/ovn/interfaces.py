"""The cards of guests in a host's Open vSwitch: which are plugged, and whether OVN has programmed them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workers.drivers.network.ovn import localports, wire
from workers.drivers.network.ovn.monitor import Monitor
from workers.drivers.network.ovn.ovsdb import Ovsdb

TABLE = "Interface"
COLUMNS = ("name", "external_ids", "error")


@dataclass(frozen=True, slots=True)
class Interface:
    """A card of a guest. `installed`: ovn-controller has programmed its port. `error`: its device cannot be opened."""

    port_id: str
    name: str
    mac: str
    installed: bool
    error: str


def parse(row: Mapping[str, wire.Value]) -> Interface | None:
    """A card from its row; None for an interface that is no guest's."""
    ids, error = row["external_ids"], row["error"]
    if not isinstance(ids, Mapping) or "iface-id" not in ids or localports.MARK in ids:
        return None
    return Interface(
        port_id=str(ids["iface-id"]),
        name=str(row["name"]),
        mac=str(ids.get("attached-mac", "")),
        installed=ids.get("ovn-installed") == "true",
        error=error if isinstance(error, str) else "",
    )


def read(database: Ovsdb) -> list[Interface]:
    """All cards of guests, in the order of their names."""
    (rows,) = database.select([(TABLE, [], COLUMNS)])
    cards = [card for row in rows if (card := parse(row)) is not None]
    return sorted(cards, key=lambda card: card.name)


class Watch:
    """Follows the cards from the first question on, so that a wait ends the moment that its ports are installed."""

    def __init__(self, database: Ovsdb) -> None:
        self._database = database
        self._changed = threading.Condition()
        self._installed: dict[str, str] = {}  # card -> port
        self._monitor: Monitor | None = None

    def wait(self, port_ids: Iterable[str], timeout_s: float) -> list[str]:
        """Wait until the ports are installed. Returns those that are not after `timeout_s` seconds."""
        wanted, deadline = set(port_ids), time.monotonic() + timeout_s
        with self._changed:
            if self._monitor is None:
                self._monitor = Monitor(self._database, TABLE, COLUMNS, self._note, self._forget)
            while missing := wanted - set(self._installed.values()):
                if not self._changed.wait(deadline - time.monotonic()):
                    return sorted(missing)
        return []

    def cards_of(self, port_ids: Iterable[str]) -> dict[str, str]:
        """The cards of installed ports, by name, with their ports."""
        wanted = set(port_ids)
        with self._changed:
            return {name: port_id for name, port_id in self._installed.items() if port_id in wanted}

    def stop(self) -> None:
        with self._changed:
            monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.stop()

    def _forget(self) -> None:
        with self._changed:
            self._installed.clear()

    def _note(self, new: Mapping[str, wire.Value] | None, old: Mapping[str, wire.Value]) -> None:
        card = parse(new) if new is not None else None
        with self._changed:
            if card is not None and card.installed:
                self._installed[card.name] = card.port_id
            else:
                self._installed.pop(str((new or old).get("name", "")), None)
            self._changed.notify_all()
