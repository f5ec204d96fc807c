"""What a cloud makes by itself: the external network, routers, and groups that stay open."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection

from apps.networking import states
from apps.networking.models import FixedIP, Network, Port, Router, SecurityGroup, SecurityGroupRule, Subnet
from apps.networking.services import bindings, bootstrap, enforcement
from apps.networking.values import RequestedNetwork
from workers.drivers.network.ovn import dhcp

pytestmark = pytest.mark.django_db


def add_network(project_id: str, *cidrs: str, name: str = "own", gateway: bool = True) -> Network:
    network = Network.objects.create(project_id=project_id, name=name)
    for cidr in cidrs:
        first = cidr.replace("0/24", "1")
        pools = [{"start": first.replace(".1", ".10"), "end": first.replace(".1", ".20")}]
        Subnet.objects.create(
            network=network, project_id=project_id, cidr=cidr, gateway_ip=first if gateway else None,
            allocation_pools=pools,
        )  # fmt: skip
    return network


def test_the_first_networks_lead_out() -> None:
    """The external network's gateway is the first address, the machine's; what is there already is not made again."""
    for _ in range(2):
        bootstrap.load(project_id="admin")
    external = Network.objects.get(external=True)
    assert (external.name, external.physical_network, external.network_type) == ("public", "public", "flat")
    assert external.subnets.get().gateway_ip == "198.19.0.1"
    router = Router.objects.get()
    assert router.enable_snat and router.gateway_port.network == external
    (foot,) = router.interfaces.all()
    assert foot.port.network.name == "shared"
    assert [fixed.ip_address for fixed in foot.port.fixed_ips.all()] == ["10.64.0.1"]
    assert foot.port.mac_address == dhcp.gateway_mac(str(foot.port.network_id))
    assert FixedIP.objects.filter(port=router.gateway_port).count() == 1


def test_networks_of_before_get_routers() -> None:
    """One port has the gateways of all subnets, as the bridge of a host had; users' ports keep their addresses."""
    bootstrap.load(project_id="admin")
    two = add_network("p", "10.1.0.0/24", "10.2.0.0/24")
    add_network("p", "10.3.0.0/24", name="without gateway", gateway=False)
    taken = add_network("p", "10.4.0.0/24", name="taken")
    port = Port.objects.create(network=taken, project_id="p", mac_address="fa:16:3e:00:00:01")
    FixedIP.objects.create(port=port, subnet=taken.subnets.get(), ip_address="10.4.0.1")
    assert bootstrap.add_ways_out() == 1
    assert bootstrap.add_ways_out() == 0
    router = Router.objects.get(project_id="p")
    (foot,) = router.interfaces.all()
    assert foot.port.network == two
    assert {fixed.ip_address for fixed in foot.port.fixed_ips.all()} == {"10.1.0.1", "10.2.0.1"}
    assert not Port.objects.filter(network=taken, device_owner=states.OWNER_ROUTER_INTERFACE).exists()


def allocate(network: Network, project_id: str) -> Port:
    server = uuid.uuid4()
    request = [RequestedNetwork(network_id=network.id)]
    bindings.allocate_for_server(server_id=server, project_id=project_id, host="h", requests=request)
    return Port.objects.get(device_id=str(server))


def test_ports_that_enforcement_would_close() -> None:
    network = add_network("p", "10.1.0.0/24")
    closed, ungrouped, unsecured, opened = (allocate(network, "p") for _ in range(4))
    ungrouped.security_groups.clear()
    unsecured.security_groups.clear()
    Port.objects.filter(id=unsecured.id).update(port_security_enabled=False)
    group = SecurityGroup.objects.create(project_id="p", name="open")
    for direction in states.DIRECTIONS:
        SecurityGroupRule.objects.create(
            security_group=group, project_id="p", direction=direction, ethertype="IPv4", remote_ip_prefix="0.0.0.0/0"
        )
    opened.security_groups.set([group])
    listed = enforcement.closed_addresses()
    assert {row[0] for row in listed} == {closed.id, ungrouped.id}
    assert {row[1] for row in listed} == {closed.device_id, ungrouped.device_id}

    assert enforcement.keep_open() == 1  # the default group, which the port without groups gets
    assert enforcement.closed_addresses() == []
    assert enforcement.keep_open() == 0
    assert ungrouped.security_groups.get().name == "default"
    told = SecurityGroupRule.objects.filter(description=enforcement.KEPT_OPEN)
    assert {(rule.direction, rule.ethertype) for rule in told} == {("ingress", "IPv4"), ("ingress", "IPv6")}
    told.delete()
    assert {row[0] for row in enforcement.closed_addresses()} == {closed.id, ungrouped.id}


def test_what_enforcement_would_close_before_the_migration() -> None:
    """`make up` asks the database of the release before, whose rules had no address groups."""
    allocate(add_network("p", "10.1.0.0/24"), "p")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE networking_securitygrouprule DROP COLUMN remote_address_group_id CASCADE")
    assert len(enforcement.closed_addresses()) == 1
