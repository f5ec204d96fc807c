"""A host's agent gets the host's next certificate from the machine that has the authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.networking.selectors import authorities
from apps.scheduling.services import hosts
from workers.host import certificates, peers
from workers.system.peers import client
from workers.system.peers.client import Peer
from workers.system.peers.errors import PeerRefused
from workers.system.peers.messages import Request
from workers.system.pki import renewal
from workers.system.pki.host import HostCertificate

pytestmark = pytest.mark.django_db


@pytest.fixture
def machines(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The first one has the authority, the second one a certificate that is due; `here` is where code runs."""
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(certificates, "_asked", float("-inf"))
    states = {name: tmp_path / name for name in ("first", "second")}
    authority, then = renewal.authority_of(states["first"]), datetime.now(UTC) - timedelta(days=300)
    authority.create(then)
    for name, state in states.items():
        mine = renewal.host_of(state)
        mine.install(authority.sign(mine.request(name), name, then), authority.certificate())
        hosts.register(name=name, facts={}, vcpus=1, ram_mib=1, disk_gib=1, agent_url=f"http://192.0.2.1:{len(name)}")

    def read(peer: Peer, server_id: str, part: str, limit: int) -> bytes:
        """What TLS does: the other side knows the name in the certificate that is shown."""
        asking = settings.STATE_DIR.name
        assert (peer.host, peer.pki) == ("first", states[asking] / "pki")
        at(settings, states, "first")
        try:
            return peers._admit(asking, Request(server_id, part)).data
        finally:
            at(settings, states, asking)

    monkeypatch.setattr(client, "read", read)
    return states


def at(settings: Any, states: dict[str, Path], name: str) -> HostCertificate:
    settings.STATE_DIR, settings.HOST_NAME = states[name], name
    return renewal.host_of(states[name])


def test_a_host_asks_by_itself(machines: dict[str, Path], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    second = at(settings, machines, "second")
    certificates.renew()
    assert second.is_due()  # nobody knows yet where the authority is
    first = at(settings, machines, "first")
    certificates.renew()
    assert (authorities.host(), first.is_due()) == ("first", False)
    second = at(settings, machines, "second")
    certificates.renew()
    assert second.is_due()  # it asked a moment ago
    monkeypatch.setattr(certificates, "_asked", float("-inf"))
    old = second.pair.read_bytes()
    certificates.renew()
    assert not second.is_due()
    assert second.pair.read_bytes() != old
    assert not any(b"PRIVATE" in path.read_bytes() for path in (machines["first"] / "authority").rglob("*.pem"))


def test_what_is_not_signed(machines: dict[str, Path], settings: Any) -> None:
    request = at(settings, machines, "second").request("second").decode()
    for place, host, text, why in (
        ("first", "first", request, "another host"),  # only the host that it names
        ("first", "third", request, "no such host"),  # it was removed, or never was
        ("second", "second", request, "not signed"),  # no authority is here
        ("first", "second", "x", "not signed"),
    ):
        at(settings, machines, place)
        with pytest.raises(PeerRefused, match=why):
            peers._admit(host, Request("", certificates.PART + text))
    assert renewal.host_of(machines["second"]).is_due()
