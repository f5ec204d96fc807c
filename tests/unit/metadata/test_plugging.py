"""Networks are plugged while ports of them are recorded; one that fails stops no other."""

import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import wait_for
from tests.unit.drivers import samples
from workers.drivers.network.base import PortSpec
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.network.errors import NetworkUnavailable
from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.host.metadata import plugging as plugging_module
from workers.host.metadata.askers import Askers, link_local
from workers.host.metadata.plugging import Plugging


class Links:
    """What is plugged, and what a former process left on the switch."""

    def __init__(self, *strays: str) -> None:
        self.plugged, self.strays = dict[str, int](), set(strays)
        self.neighbours: dict[str, dict[str, str]] = {}
        self.lost: set[str] = set()
        self.refused: set[str] = set()
        self.serves: Callable[[str, str], object] = lambda *_: None
        self.served_before = False  # whether a guest was served before its MAC was known

    def plug(self, network_id: str, mtu: int, neighbours: Mapping[str, str]) -> tuple[socket.socket, ...]:
        self.served_before |= any(self.serves(network_id, address) for address in neighbours)
        self.set_neighbours(network_id, neighbours)
        if network_id in self.refused:
            raise NetworkUnavailable("no")
        self.lost.discard(network_id)
        self.plugged[network_id] = mtu
        return ()

    def unplug(self, network_id: str) -> None:
        self.plugged.pop(network_id, None)

    def set_neighbours(self, network_id: str, wanted: Mapping[str, str]) -> None:
        self.neighbours[network_id] = dict(wanted)

    def broken(self, network_ids: frozenset[str]) -> frozenset[str]:
        return network_ids & self.lost

    def remove_strays(self, network_ids: frozenset[str]) -> None:
        self.strays &= network_ids


@pytest.fixture
def ports(tmp_path: Path) -> KnownPorts:
    return KnownPorts(tmp_path / "metadata")


def record(ports: KnownPorts) -> tuple[NetworkSpec, PortSpec]:
    network = samples.network()
    port = samples.port(network, server_id=samples.new_id())
    ports.record(port)
    return network, port


def test_networks_come_and_go(ports: KnownPorts) -> None:
    links, served = Links("left"), list[str]()
    plugging = Plugging(ports, links, Askers(), lambda network_id, _: served.append(network_id))
    plugging.compare(mends=True)
    assert (links.plugged, links.strays) == ({}, set())
    network, port = record(ports)
    plugging.compare(mends=False)
    assert links.plugged == {network.id: network.mtu}
    assert links.neighbours[network.id] == {port.fixed_ips[0].ip: port.mac, link_local(port.mac): port.mac}
    before = len(served)
    plugging.compare(mends=False)  # nothing changed
    assert len(served) == before
    links.lost.add(network.id)
    plugging.compare(mends=True)
    assert (links.lost, plugging.networks) == (set(), 1)
    ports.forget(port.id)
    plugging.compare(mends=False)
    assert (links.plugged, plugging.networks) == ({}, 0)


def test_a_guest_is_served_when_its_mac_is_known(ports: KnownPorts) -> None:
    links, askers = Links(), Askers()
    links.serves = askers.find
    plugging = Plugging(ports, links, askers, lambda *_: None)
    network, port = record(ports)
    plugging.compare(mends=False)
    assert askers.find(network.id, port.fixed_ips[0].ip)
    assert not links.served_before


def test_an_error_that_nobody_foresaw_does_not_end_the_thread(
    ports: KnownPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugging_module, "RETRY_SECONDS", 0.0)
    links, askers = Links(), Askers()
    plugging = Plugging(ports, links, askers, lambda *_: None)
    network, _ = record(ports)
    errors = iter([RuntimeError("once")])

    def plug(*arguments: Any) -> tuple[socket.socket, ...]:
        for error in errors:
            raise error
        return Links.plug(links, *arguments)

    monkeypatch.setattr(links, "plug", plug)
    thread = threading.Thread(target=plugging.run)
    thread.start()
    try:
        wait_for(lambda: network.id in links.plugged, what="a plugged network")
    finally:
        plugging.stop()
        thread.join(10)


def test_a_network_that_fails_stops_no_other(ports: KnownPorts) -> None:
    links, askers = Links(), Askers()
    plugging = Plugging(ports, links, askers, lambda *_: None)
    made = [record(ports) for _ in range(3)]
    refused = sorted(network.id for network, _ in made)[0]
    links.refused.add(refused)
    with pytest.raises(NetworkUnavailable):
        plugging.compare(mends=True)
    assert links.plugged.keys() == {network.id for network, _ in made} - {refused}
    links.refused.clear()
    plugging.compare(mends=True)
    assert len(links.plugged) == askers.size == 3
