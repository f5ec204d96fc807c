"""Ports of servers: made once, released completely, in few statements."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from apps.networking import exceptions, states
from apps.networking.models import FixedIP, Network, Port, PortSecurityGroup
from apps.networking.selectors import ports as selectors
from apps.networking.services import ports, security_groups
from apps.networking.values import PortFacts, RequestedNetwork
from tests.callers import Caller


def allocate(
    owner: Caller, *requests: RequestedNetwork, server: uuid.UUID | None = None, **more: Any
) -> tuple[PortFacts, ...]:
    values = {"host": "h1", "hostname": "vm", **more}
    return ports.allocate_for_server(
        server_id=server or uuid.uuid4(), project_id=owner.project_id, requests=requests, **values
    )


def of(network: Network, **more: Any) -> RequestedNetwork:
    return RequestedNetwork(network_id=network.id, **more)


def test_a_port_with_address_and_default_group(alice: Caller, network: Network) -> None:
    (given,) = allocate(alice, of(network))
    port = Port.objects.get(id=given.id)
    assert port.device_owner == "compute:nova"
    assert port.host == "h1"
    assert port.mac_address.startswith("fa:16:3e:")
    assert given.ips[0].startswith("10.9.0.")
    assert given.created
    assert [g.name for g in port.security_groups.all()] == ["default"]


def test_called_twice_it_returns_the_same(alice: Caller, network: Network) -> None:
    server = uuid.uuid4()
    first = allocate(alice, of(network), of(network), server=server)
    assert allocate(alice, of(network), of(network), server=server) == first
    assert Port.objects.count() == 2


def test_another_host_moves_the_ports(alice: Caller, network: Network) -> None:
    server = uuid.uuid4()
    (first,) = allocate(alice, of(network), server=server)
    assert allocate(alice, of(network), server=server, host="h2") == (replace(first, host="h2"),)
    assert Port.objects.get().host == "h2"


def test_statements(alice: Caller, network: Network, django_assert_num_queries: Any) -> None:
    groups = [security_groups.ensure_default(project_id=alice.project_id)]
    server = uuid.uuid4()
    with django_assert_num_queries(8):  # a savepoint in tests, 6 statements; the last reads the ports for the host
        allocate(alice, of(network), server=server, security_groups=groups)
    with django_assert_num_queries(4):
        allocate(alice, of(network), server=server, security_groups=groups)
    with django_assert_num_queries(4):
        assert ports.release_for_server(server_id=server) == 1


def test_release_leaves_nothing_and_may_be_repeated(alice: Caller, network: Network) -> None:
    server, other = uuid.uuid4(), uuid.uuid4()
    allocate(alice, of(network), of(network), server=server)
    allocate(alice, of(network), server=other)
    assert ports.release_for_server(server_id=server) == 2
    assert ports.release_for_server(server_id=server) == 0
    assert (Port.objects.count(), FixedIP.objects.count(), PortSecurityGroup.objects.count()) == (1, 1, 1)


def test_the_users_own_port_is_kept(alice: Caller, network: Network) -> None:
    own = ports.create(context=alice.context, network=network, values={"network_id": network.id, "name": "mine"})
    server = uuid.uuid4()
    (port,) = allocate(alice, of(network, port_id=own.id), server=server)
    assert (port.id, port.created) == (own.id, False)
    with pytest.raises(exceptions.PortInUse):
        allocate(alice, of(network, port_id=own.id))
    assert ports.release_for_server(server_id=server) == 0
    own.refresh_from_db()
    assert (own.device_id, own.device_owner, own.host, own.request_index) == ("", "", "", None)
    assert own.fixed_ips.count() == 1


def test_a_foreign_port_is_not_bound(alice: Caller, bob: Caller, network: Network) -> None:
    own = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    with pytest.raises(exceptions.PortNotFound):
        allocate(bob, of(network, port_id=own.id))


def test_all_or_nothing(alice: Caller, network: Network) -> None:
    with pytest.raises(exceptions.FixedIpInUse):
        allocate(alice, of(network, fixed_ip="10.9.0.9"), of(network, fixed_ip="10.9.0.9"))
    assert Port.objects.count() == 0
    assert allocate(alice, of(network, fixed_ip="10.9.0.9"))[0].ips == ("10.9.0.9",)


def test_a_tenants_device_id_binds_nothing(alice: Caller, network: Network) -> None:
    server = uuid.uuid4()
    port = ports.create(
        context=alice.context, network=network, values={"network_id": network.id, "device_id": str(server)}
    )
    assert selectors.for_servers(server_ids=[server]) == {}
    ports.release_for_server(server_id=server)
    assert Port.objects.filter(id=port.id).exists()


def test_a_mac_drawn_twice_is_drawn_again(alice: Caller, network: Network, monkeypatch: Any) -> None:
    drawn = iter(["fa:16:3e:00:00:01", "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"])
    monkeypatch.setattr("apps.networking.services.bindings.new_mac", lambda: next(drawn))
    allocate(alice, of(network))
    assert allocate(alice, of(network))[0].mac == "fa:16:3e:00:00:02"


def test_one_address_of_each_version(alice: Caller, network: Network) -> None:
    from apps.networking.services import subnets

    subnets.create(
        context=alice.context,
        network=network,
        values={"network_id": network.id, "cidr": "fd00:9::/64", "ip_version": 6},
    )
    (port,) = allocate(alice, of(network))
    assert [":" in ip for ip in port.ips] == [False, True]


def test_a_full_subnet_is_said_so(alice: Caller, make_network: Callable[..., Network]) -> None:
    small = make_network(alice, cidr="10.9.1.0/29")
    given = {allocate(alice, of(small))[0].ips[0] for _ in range(5)}
    assert given == {f"10.9.1.{n}" for n in range(2, 7)}
    with pytest.raises(exceptions.IpAddressGenerationFailure, match="No more IP addresses"):
        allocate(alice, of(small))
    assert Port.objects.count() == 5


def test_addresses_of_many_servers_in_one_query(
    alice: Caller, network: Network, django_assert_num_queries: Any
) -> None:
    servers = [uuid.uuid4() for _ in range(5)]
    for server in servers:
        allocate(alice, of(network), server=server)
    with django_assert_num_queries(1):
        found = selectors.for_servers(server_ids=servers)
    assert set(found) == set(servers)
    assert found[servers[0]][0].network_name == "n"
    assert found[servers[0]][0].version == 4


def test_specs(alice: Caller, network: Network, django_assert_num_queries: Any) -> None:
    server = uuid.uuid4()
    (port,) = allocate(alice, of(network), server=server)
    with django_assert_num_queries(1):
        (facts,) = selectors.specs_for_server(server_id=server)
    assert facts.tap == f"tap{port.id.hex[:11]}"
    assert facts.ips == port.ips
    assert facts.hostname == "vm"
    (subnet,) = facts.network.subnets
    assert (subnet.cidr, subnet.gateway_ip, subnet.dhcp_ip) == ("10.9.0.0/24", "10.9.0.1", None)
    assert selectors.specs_for_host(host="h1") == selectors.specs_for_network(network_id=network.id) == (facts,)
    assert selectors.specs_for_host(host="h2") == ()
    assert selectors.bound_server_ids() == {server}


def test_status(alice: Caller, network: Network) -> None:
    (port,) = allocate(alice, of(network))
    ports.set_status(port_ids=[port.id], status=states.ACTIVE)
    assert Port.objects.get().status == "ACTIVE"


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_in_one_small_range(make_network: Callable[..., Network]) -> None:
    """No address is given twice, no port fails while one is free; then every port is refused."""
    owner = Caller("/network/v2.0")
    small = make_network(owner, cidr="10.9.2.0/26")  # 61 addresses for guests
    groups = [security_groups.ensure_default(project_id=owner.project_id)]
    given: list[str] = []
    failed: list[Exception] = []

    def boot() -> None:
        try:
            given.append(allocate(owner, of(small), security_groups=groups)[0].ips[0])
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    for count in (50, 20):
        threads = [threading.Thread(target=boot) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if count == 50:
            assert failed == []
    assert len(given) == len(set(given)) == 61
    assert len(failed) == 9
    assert all(isinstance(error, exceptions.IpAddressGenerationFailure) for error in failed)


@pytest.mark.django_db(transaction=True)
def test_a_doubled_message_makes_one_port(make_network: Callable[..., Network]) -> None:
    owner = Caller("/network/v2.0")
    network = make_network(owner)
    server = uuid.uuid4()
    found: list[Any] = []

    def deliver() -> None:
        try:
            found.append(allocate(owner, of(network), server=server)[0].id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1 == Port.objects.count() == FixedIP.objects.count()


@pytest.mark.django_db(transaction=True)
def test_what_vanished_since_the_request_is_named(make_network: Callable[..., Network]) -> None:
    owner = Caller("/network/v2.0")
    network = make_network(owner)
    gone = uuid.uuid4()
    with pytest.raises(exceptions.SecurityGroupNotFound, match=str(gone)):
        allocate(owner, of(network), security_groups=[gone])
    missing = RequestedNetwork(network_id=gone)
    with pytest.raises(exceptions.NetworkRequiresSubnet, match=str(gone)):
        allocate(owner, missing)
    assert Port.objects.count() == 0
