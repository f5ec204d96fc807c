"""A server gave up an address, and its host's metadata process kept it: the server that drew it next got 404."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.networking.models import Network
from apps.networking.services import interfaces
from apps.scheduling.services import agents
from tests.callers import Caller
from tests.unit.network.test_worker import (  # noqa: F401 (fixtures)
    alice,
    allocate,
    cloud,
    deliver,
    engine,
    lines,
    network,
    writer,
)
from workers import config
from workers.drivers.network.ovn.host import OvnHost
from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.host import http
from workers.mapping import networks
from workers.network import notices
from workers.network.writer import Writer

HOST = "host-1"


def test_the_host_is_told(
    alice: Caller, network: Network, writer: Writer, deliver: Callable[[Callable[[], Any]], Any], tmp_path: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told: list[tuple[str, uuid.UUID]] = []
    monkeypatch.setattr(writer.notices, "add", lambda *of: told.append(of))
    driver = OvnHost({"switch": "unix:/nonexistent", "metadata_dir": str(tmp_path / "metadata")})
    drivers: Any = SimpleNamespace(host=HOST, network=driver)
    known, server = KnownPorts(tmp_path / "metadata"), uuid.uuid4()
    (port,) = deliver(lambda: allocate(alice, network, server, HOST))
    (spec,) = networks.ports_of(server)
    driver.plug(spec)
    assert told == []  # a boot records its ports itself
    (old,) = port.ips
    for change in (
        lambda: interfaces.add_address(server_id=server, network_id=network.id),
        lambda: interfaces.remove_address(server_id=server, ip=old),
    ):
        assert deliver(change)
        assert told.pop() == (HOST, port.id)
        http.OF_PORTS["addresses"](drivers, str(port.id))
        (recorded,) = known.read()
        (spec,) = networks.ports_of(server)
        assert recorded.addresses == tuple(fixed.ip for fixed in spec.fixed_ips)
    assert old not in recorded.addresses
    http.OF_PORTS["addresses"](drivers, str(uuid.uuid4()))  # of a port that is not here: nothing
    assert known.ids() == {str(port.id)}


def test_the_way_to_the_agent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    asked: list[str] = []
    monkeypatch.setitem(http.OF_PORTS, "addresses", lambda drivers, port_id: asked.append(port_id) or b"")
    monkeypatch.setitem(config._hosts, HOST, SimpleNamespace(host=HOST))
    settings.AGENT_LISTEN = "127.0.0.1:0"
    server, url = http.serve()
    monkeypatch.setattr(agents, "_url_of", lambda host: url)
    try:
        port_id = uuid.uuid4()
        notices.tell(HOST, port_id)
        assert asked == [str(port_id)]
    finally:
        server.shutdown()
        server.server_close()
