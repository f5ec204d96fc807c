"""Metadata on real OVN daemons: guests ask by packets, with and without a router, and get their own answers alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, guest
from tests.host.ovn.metadata_process import FakeApi, MetadataProcess, serving
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.base import PortSpec as HostPort
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.l3 import RouterSpec
from workers.drivers.network.ovn.metadata_links import MetadataLinks
from workers.drivers.network.ovn.ovsdb import Ovsdb
from workers.system.namespaces import Namespace

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
URL = "http://169.254.169.254"
SPOOFED = ("X-Forwarded-For", "X-Instance-ID", "X-Tenant-ID", "X-Instance-ID-Signature", "X-Network-ID", "Forwarded")


@pytest.fixture
def service(host: Host, tmp_path: Path) -> Iterator[tuple[MetadataProcess, FakeApi]]:
    with serving(host, tmp_path) as made:
        yield made


def known(network: NetworkSpec, port: PortSpec) -> HostPort:
    """The port as the host's agent knows it; its server has its id."""
    tap = f"t{port.id[:8]}"
    return HostPort(port.id, tap, port.mac, port.fixed_ips, network_id=network.id, server_id=port.id, mtu=network.mtu)


def fetch(of: Guest, path: str, *options: str, url: str = URL) -> tuple[str, str]:
    """Return status and content; a status of 000 without an answer."""
    done = of.run("curl", "-s", "-m", "4", "-o", "-", "-w", "\n%{http_code}", *options, f"{url}{path}")
    content, _, status = done.stdout.rpartition("\n")
    return status, content


def identity(of: Guest, *options: str, url: str = URL) -> str:
    """Return the uuid that a guest reads; empty when it gets none."""
    status, content = fetch(of, "/openstack/latest/meta_data.json", *options, url=url)
    return str(json.loads(content)["uuid"]) if status == "200" else status


def test_two_networks_with_one_range(
    engine: NetworkEngine, host: Host, service: tuple[MetadataProcess, FakeApi], tmp_path: Path
) -> None:
    """No router; the same addresses on both. Headers change nothing; what the API does not know is nobody."""
    process, api = service
    red, blue = engine_contract.network(95), engine_contract.network(95)
    one, two = engine_contract.port(red, 10), engine_contract.port(blue, 10)
    for network, port in ((red, one), (blue, two)):
        engine.l2.ensure_ports(network, [port])
        process.record(known(network, port))
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        assert first.lease(tmp_path)["staticroutes"].split()[:2] == ["169.254.169.254/32", "0.0.0.0"]
        second.lease(tmp_path)
        wait_for(lambda: identity(first) == one.id, what="the first guest's metadata")
        wait_for(lambda: identity(second) == two.id, what="the second guest's metadata")
        spoofed = [option for name in SPOOFED for option in ("-H", f"{name}: {two.id}")]
        assert identity(first, *spoofed) == one.id
        assert identity(first, "-H", f"X-Forwarded-For: {two.fixed_ips[0].ip}", "-H", "Host: other") == one.id
        assert fetch(first, "/latest/meta-data/placement/availability-zone") == ("200", "nova")
        assert fetch(first, "/openstack/latest/user_data") == ("200", "#!/bin/sh\n")
        assert fetch(first, "/openstack/latest/password", "-d", "c2VjcmV0") == ("200", "")
        assert api.passwords == {one.id: "c2VjcmV0"}
        assert fetch(first, "/openstack/latest/password", "-d", "other")[0] == "409"
        api.unknown.add(one.id)
        wait_for(lambda: identity(first) == "404", what="a guest that is no longer known")
        api.fails = True
        wait_for(lambda: identity(second) == "503", what="an API that fails")
        assert "c2VjcmV0" not in process.log


@pytest.mark.heavy  # the lab and the real cloud ask for metadata behind a router
def test_with_a_router_and_after_kills(
    engine: NetworkEngine, host: Host, service: tuple[MetadataProcess, FakeApi], tmp_path: Path
) -> None:
    """By way of the service's own address in the subnet. A killed process comes back; the last port ends it."""
    process, _ = service
    network = engine_contract.network(96)
    subnet = dataclasses.replace(network.subnets[0], metadata_ip="10.77.96.2")
    network = dataclasses.replace(network, subnets=(subnet,))
    one, other = engine_contract.port(network, 10), engine_contract.port(network, 11, port_security=False)
    engine.l2.ensure_ports(network, [one, other])
    engine.l3.ensure_router(RouterSpec(samples.new_id(), (engine_contract.foot(network),)))
    process.record(known(network, one))
    with guest(host, one) as first, guest(host, other) as second:
        wait_until_up(engine, one, other)
        assert first.lease(tmp_path)["staticroutes"].split()[:2] == ["169.254.169.254/32", "10.77.96.2"]
        second.lease(tmp_path)
        wait_for(lambda: identity(first) == one.id, what="metadata beside a router")
        assert identity(second) == "404"  # its port is not known to be here
        second.run("ip", "address", "add", f"{one.fixed_ips[0].ip}/32", "dev", "eth0")
        assert identity(second, "--interface", one.fixed_ips[0].ip, "-m", "1") == "000"  # the answer goes to the first
        process.kill()
        assert identity(first) == "000"
        process.start()
        wait_for(lambda: identity(first) == one.id, what="metadata after a kill")
        (card,) = host.vsctl(
            "--bare", "--columns=name", "find", "Interface", "external_ids:celerity-metadata!=x"
        ).split()
        host.vsctl("del-port", "br-int", card)
        wait_for(lambda: identity(first) == one.id, what="a card that was taken off the switch")
        process.ports.forget(one.id)
        wait_for(lambda: card not in host.vsctl("list-ports", "br-int").split(), what="a network without guests")
        assert identity(first) == "000"


def test_by_version_6(
    engine: NetworkEngine, host: Host, service: tuple[MetadataProcess, FakeApi], tmp_path: Path
) -> None:
    process, _ = service
    six = SubnetSpec(samples.new_id(), "fd00:97::/64", "fd00:97::1")
    network = engine_contract.network(97)
    network = dataclasses.replace(network, subnets=(*network.subnets, six))
    port = engine_contract.port(network, 10)
    port = dataclasses.replace(port, fixed_ips=(*port.fixed_ips, FixedIP(six.id, "fd00:97::10")))
    engine.l2.ensure_ports(network, [port])
    process.record(known(network, port))
    with guest(host, port) as asking:
        wait_until_up(engine, port)
        url = "http://[fe80::a9fe:a9fe%25eth0]"
        wait_for(lambda: identity(asking, url=url) == port.id, what="metadata from a link-local address")
        asking.run("ip", "address", "add", "fd00:97::10/64", "dev", "eth0", "nodad")
        assert identity(asking, "--interface", "fd00:97::10", url=url) == port.id


def test_nothing_passes_from_network_to_network(host: Host) -> None:
    """A new namespace forwards if the machine does, and `make up` lets the machine forward."""
    forwards = Path("/proc/sys/net/ipv4/ip_forward")
    namespace = Namespace()
    try:
        namespace.run(lambda: forwards.write_text("1"))
        MetadataLinks(Ovsdb(host.database, "Open_vSwitch"), namespace)
        assert namespace.run(forwards.read_text).strip() == "0"
    finally:
        namespace.close()
