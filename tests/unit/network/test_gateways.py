"""Hosts that may be gateways: a lost one is left out while OVN cannot tell, and routers' lists follow."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.networking.models import Network, Router
from apps.networking.services import routers
from apps.scheduling.models import Host
from apps.scheduling.selectors.hosts import Pulse
from tests.callers import Caller
from tests.unit.network.test_routing import public, record  # noqa: F401 (fixtures)
from tests.unit.network.test_worker import alice, cloud, deliver, engine, lines, writer  # noqa: F401 (fixtures)
from workers.drivers.network.base.engine import NetworkEngine
from workers.network import gateways, reconciler
from workers.network.writer import Writer

Deliver = Callable[[Callable[[], Any]], Any]
WELL, LATE, DOWN = (1.0, False), (7.0, False), (21.0, True)


@pytest.mark.parametrize(
    ("hosts", "unreachable", "expected"),
    [
        ({"a": WELL, "b": WELL}, "", "a b"),
        ({"a": WELL, "b": DOWN}, "", "a"),
        ({"a": WELL, "b": LATE}, "b", "a"),
        ({"a": WELL, "b": LATE}, "", "a b"),  # its agent restarts
        ({"a": WELL, "b": WELL}, "a b", "a b"),  # nobody is asked who was heard
        ({"a": DOWN, "b": DOWN}, "", "a b"),  # there is no better one
        ({"a": WELL, "b": DOWN, "c": WELL}, "", "a c"),
        ({"a": WELL, "b": DOWN, "c": DOWN}, "", "a"),
        ({"a": WELL, "b": DOWN, "c": WELL, "d": WELL}, "", "a b c d"),  # OVN decides
    ],
)
def test_lost_hosts(
    monkeypatch: pytest.MonkeyPatch, hosts: dict[str, tuple[float, bool]], unreachable: str, expected: str
) -> None:
    monkeypatch.setattr(gateways, "answers", lambda url: url not in unreachable.split())
    pulses = [Pulse(name, name, silent, is_down) for name, (silent, is_down) in hosts.items()]
    assert gateways.usable(pulses) == tuple(expected.split())


def test_a_machine_that_refuses_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert gateways.answers(f"http://127.0.0.1:{port}")
    assert gateways.answers(f"http://127.0.0.1:{port}")
    assert gateways.answers("")
    began = time.monotonic()
    with socket.socket() as full:  # its queue of one connection is full: nobody answers the next
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(2)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        assert not gateways.answers(f"http://127.0.0.1:{address[1]}")
        for client in waiting:
            client.close()
    assert time.monotonic() - began < 5


def test_routers_leave_a_lost_host_and_come_back(
    alice: Caller, public: Network, engine: NetworkEngine, writer: Writer, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    for number in (1, 2):
        Host.objects.create(number=number, name=f"h{number}", hypervisor_type="QEMU")
    writer.gateways.refresh()
    values = {"external_gateway_info": {"network_id": public.id}}
    router: Router = deliver(lambda: routers.create(context=alice.context, values=values))

    def listed() -> set[str]:
        return set(record(tmp_path, "routers", router)["gateway"]["hosts"])

    assert listed() == {"h1", "h2"}
    for heard, expected in ((timezone.now() - timedelta(seconds=60), {"h1"}), (timezone.now(), {"h1", "h2"})):
        Host.objects.filter(name="h2").update(heartbeat_at=heard)
        writer.gateways.refresh()
        reconciler.move_gateways(writer)
        assert listed() == expected
        assert engine.differences(reconciler.wanted()) == ()
