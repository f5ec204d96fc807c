"""Input of dnsmasq and nftables: one serializer each, which round-trips."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import FixedIP, HostRoute, NetworkSpec, PortSpec, SubnetSpec
from workers.drivers.network.linux import nat, protected, release
from workers.drivers.network.linux.dnsmasq import Dnsmasq, parse, render
from workers.drivers.network.linux.records import Records
from workers.system.paths import HostPaths

GOLDEN = Path(__file__).parents[2] / "golden" / "networks"
DIRECTORY = Path("/var/lib/celerity/networks/5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e11")


def spec(**changes: Any) -> NetworkSpec:
    subnets = (
        SubnetSpec(
            "5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e12",
            "198.18.5.0/24",
            "198.18.5.1",
            dns_nameservers=("198.18.0.53", "fd00::53"),
            host_routes=(HostRoute("198.19.0.0/16", "198.18.5.254"),),
        ),
        SubnetSpec("5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e13", "198.18.6.0/24", None, dhcp_ip="198.18.6.2"),
        SubnetSpec("5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e14", "198.18.7.0/24", "198.18.7.1", dhcp_enabled=False),
        SubnetSpec("5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e15", "fd00:7e57::/64", "fd00:7e57::1"),
    )
    network_id = "5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e11"
    return NetworkSpec(
        **{"id": network_id, "bridge": "cly-t1", "mtu": 1450, "subnets": subnets, "domain": "x.test", **changes}
    )


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        pytest.fail(f"{path} was missing and has been written: read it")
    assert text == path.read_text()


def test_dnsmasq_golden() -> None:
    golden("dnsmasq.conf", Dnsmasq(DIRECTORY, 86400, metadata=True).configuration(spec()))


MANAGEMENT = tuple(ipaddress.ip_network(text) for text in ("203.0.113.0/28", "203.0.113.0/24", "fd00:7::/64"))


def test_rules_golden() -> None:
    rules = nat._network(spec(), 8775, MANAGEMENT)
    golden("rules.json", "\n".join(json.dumps(item) for item in rules) + "\n")
    rules = nat._network(spec(nat=False), None, ())
    golden("rules-without-nat.json", "\n".join(json.dumps(item) for item in rules) + "\n")


@pytest.mark.skipif(shutil.which("dnsmasq", path="/usr/sbin:/usr/bin") is None, reason="dnsmasq is not installed")
def test_dnsmasq_understands_it(tmp_path: Path) -> None:
    config = tmp_path / "dnsmasq.conf"
    config.write_text(Dnsmasq(tmp_path, 86400, metadata=True).configuration(spec()))
    subprocess.run(["/usr/sbin/dnsmasq", "--test", f"--conf-file={config}"], check=True, capture_output=True)


def test_read_back_it_is_the_same() -> None:
    text = Dnsmasq(DIRECTORY, 86400, metadata=True).configuration(spec())
    assert "\n".join(render(name, *parts) for name, parts in parse(text)) + "\n" == text


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_render_refuses_or_carries(parts: list[str]) -> None:
    """OSSA-2021-005: no value becomes another line, another part, or a comment."""
    try:
        line = render("dhcp-option", *parts)
    except SpecInvalid:
        return
    assert parse(line) == [("dhcp-option", tuple(parts))]
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("part", ["a\nb", "a\rb", "a,b", "a\0b", "a b", "a#b", 'a"b', "a\u2028b", "a\x85b", "a\\b"])
def test_render_refuses(part: str) -> None:
    with pytest.raises(SpecInvalid):
        render("dhcp-option", "x", part)


@given(st.integers(1, 4094), st.integers(576, 9000), st.sampled_from(["", "a.test", "b"]))
def test_records_come_back(number: int, mtu: int, domain: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as directory:
        records = Records(HostPaths(Path(directory)))
        wanted = spec(bridge=f"br{number}", mtu=mtu, domain=domain)
        records.write_network(wanted)
        assert records.network(wanted.id) == wanted
        port = PortSpec(
            samples.new_id(), "tap1", "52:54:00:00:00:01", (FixedIP(wanted.subnets[0].id, "198.18.5.9"),), "web"
        )
        records.write_port(wanted.id, port)
        assert records.port(wanted.id, port.id) == port


def test_a_broken_record_counts_as_none(tmp_path: Path) -> None:
    records = Records(HostPaths(tmp_path))
    wanted = spec()
    records.write_network(wanted)
    (tmp_path / "networks" / wanted.id / "network.json").write_text("{")
    assert records.network(wanted.id) is None
    assert records.network_ids() == (wanted.id,)


def test_guests_cannot_leave_without_nat() -> None:
    rules = json.dumps(nat._from_guests(dataclasses.replace(spec(), nat=False), ()))
    assert rules.count('"accept"') == 1
    assert rules.rstrip("]}").endswith('{"drop": null')


def test_the_hosts_resolvers(tmp_path: Path) -> None:
    """Loopback addresses need no protection from guests, and invalid addresses are skipped."""
    listed = tmp_path / "resolv.conf"
    servers = ("127.0.0.53", "198.18.0.53", "fe80::1%eth0", "x")
    listed.write_text("# x\nsearch a\n" + "".join(f"nameserver {server}\n" for server in servers))
    assert protected.resolvers(listed) == ["198.18.0.53", "fe80::1"]
    assert protected.resolvers(tmp_path / "none") == []


def test_release_message() -> None:
    """RFC 2131: BOOTREQUEST, our address, our hardware address, the magic cookie, DHCPRELEASE, the server."""
    data = release.message("52:54:00:00:00:01", "198.18.5.10", "198.18.5.1", 7)
    assert data[:4] == b"\x01\x01\x06\x00"
    assert data[12:16] == bytes([198, 18, 5, 10])
    assert data[28:34] == bytes.fromhex("525400000001")
    assert data[236:] == bytes([99, 130, 83, 99, 53, 1, 7, 54, 4, 198, 18, 5, 1, 255])
