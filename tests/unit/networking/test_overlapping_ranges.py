"""Ranges of different networks may overlap; name servers for guests."""

from pathlib import Path
from typing import Any

from apps.networking import resolvers
from tests.callers import Caller


def ask(who: Caller, network: Any, cidr: str) -> int:
    body = {"subnet": {"network_id": str(network.id), "cidr": cidr, "ip_version": 4}}
    return who.post("/subnets", body).status_code


def test_networks_may_have_the_same_range(alice: Caller, bob: Caller, make_network: Any) -> None:
    make_network(bob, "10.65.0.0/24")
    network = make_network(alice, cidr=None)
    assert [ask(alice, network, cidr) for cidr in ("10.65.0.0/24", "8.8.8.0/24", "10.65.0.0/25")] == [201, 201, 400]


def test_the_machines_name_servers(tmp_path: Path) -> None:
    """systemd's own server on loopback is nobody's to ask, nor one on a link; each is listed once."""
    stub, real = tmp_path / "resolv.conf", tmp_path / "systemd.conf"
    stub.write_text("# a comment\nsearch example.org\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver x\n")
    real.write_text("nameserver 10.0.0.53\nnameserver fd00::53\nnameserver 10.0.0.53\n")
    assert resolvers.for_guests(stub, real, tmp_path / "none") == ["10.0.0.53", "fd00::53"]
