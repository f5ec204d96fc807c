"""Routers and floating IPs as rows, programmed by the network worker on real OVN daemons, proven by packets."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.networking.models import Network
from apps.networking.selectors import programmed
from apps.networking.services import (
    bindings,
    floating_ips,
    networks,
    router_interfaces,
    routers,
    security_group_rules,
    subnets,
)
from apps.networking.services import security_groups as groups
from apps.networking.values import RequestedNetwork
from apps.scheduling.models import Host as HostRow
from tests.callers import Caller
from tests.cloud import wait_for
from tests.host.ovn.daemons import EXTERNAL_ADDRESS, Host
from tests.host.ovn.guests import Guest, echo_server, guest, mirror
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.network.test_worker import alice, deliver, lines, writer  # noqa: F401 (fixtures)
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortSpec
from workers.mapping import engine as mapping
from workers.network import reconciler

pytestmark = [pytest.mark.ovn, pytest.mark.django_db, pytest.mark.usefixtures("clean_logs", "clean_host")]
DATA = bytes(range(256)) * 1024


@pytest.fixture
def public(settings: Any, host: Host, deliver: Any) -> Network:  # noqa: F811
    """The external network that the host's bridge leads to, in a cloud of this host."""
    settings.HYPERVISOR, settings.NETWORK_WORKER, settings.PHYSICAL_NETWORKS = "libvirt", True, ["physnet1"]
    HostRow.objects.create(number=1, name=host.name, hypervisor_type="QEMU")
    admin = Caller("/network/v2.0", admin=True)
    values = {"external": True, "network_type": "flat", "physical_network": "physnet1"}
    made: Network = deliver(lambda: networks.create(context=admin.context, values=values))
    range_ = {"network_id": made.id, "cidr": "198.18.9.0/24", "ip_version": 4, "gateway_ip": EXTERNAL_ADDRESS}
    deliver(lambda: subnets.create(context=admin.context, network=made, values={**range_, "enable_dhcp": False}))
    return made


def test_from_rows_to_packets(
    alice: Caller, public: Network, engine: NetworkEngine, host: Host, deliver: Any, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    """Out behind the router's address, in by a floating IP, and neither once the server is gone."""
    context, project = alice.context, alice.project_id
    network = deliver(lambda: networks.create(context=context, values={"mtu": 1442}))
    values = {"network_id": network.id, "cidr": "10.78.0.0/24", "ip_version": 4}
    subnet = deliver(lambda: subnets.create(context=context, network=network, values=values))
    info = {"network_id": public.id}
    router = deliver(lambda: routers.create(context=context, values={"external_gateway_info": info}))
    deliver(lambda: router_interfaces.add_subnet(context=context, router=router, subnet_id=subnet.id))
    opened = deliver(lambda: groups.create(context=context, values={"name": "open"}))
    rule = {"direction": "ingress", "ethertype": "IPv4"}
    deliver(lambda: security_group_rules.create(context=context, group=opened, values=rule))
    server = uuid.uuid4()
    (port,) = deliver(
        lambda: bindings.allocate_for_server(
            server_id=server, project_id=project, host=host.name, hostname="vm", security_groups=[opened.id],
            requests=[RequestedNetwork(network_id=network.id)],
        )
    )  # fmt: skip
    (gateway,) = routers.selectors.get(context=context, router_id=router.id).gateway_port.fixed_ips.all()
    world = Guest(host.name)
    with guest(host, spec_of(port.id)) as inside:
        wait_until_up(engine, spec_of(port.id))
        assert inside.lease(tmp_path)["ip"] == port.ips[0]
        wait_for(lambda: inside.pings(EXTERNAL_ADDRESS), what="the world outside")
        with mirror(world):
            assert inside.sends(EXTERNAL_ADDRESS, b"", 7778) == gateway.ip_address.encode()
        values = {"floating_network_id": public.id, "port_id": port.id}
        floating_ip = deliver(lambda: floating_ips.create(context=context, values=values))
        address = floating_ip.floating_ip_address
        wait_for(lambda: world.pings(address), what="a floating IP")
        with echo_server(inside):
            assert world.sends(address, DATA) == DATA
        with mirror(world):
            assert inside.sends(EXTERNAL_ADDRESS, b"", 7778) == address.encode()
        assert engine.differences(reconciler.wanted()) == ()
        deliver(lambda: bindings.release_for_server(server_id=server))
        wait_for(lambda: not world.pings(address), what="no floating IP")
    assert engine.differences(reconciler.wanted()) == ()


def spec_of(port_id: uuid.UUID) -> PortSpec:
    """The port as it is programmed."""
    (row,) = programmed.ports(port_ids=[port_id])
    return mapping.port_spec(row)
