"""What a request for a server says about networks: Nova's answers."""

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.common.exceptions import PolicyForbidden
from apps.networking import exceptions
from apps.networking.api import permissions
from apps.networking.models import Network, Subnet
from apps.networking.selectors import networks as selectors
from apps.networking.services import networks, ports
from apps.networking.values import InterfacePermissions, RequestedNetwork
from apps.quotas.services import limits
from tests.callers import Caller


def resolve(who: Caller, **values: Any) -> Any:
    requested = [RequestedNetwork(**values)]
    addresses_on = permissions.choosable_addresses(who.context, requested)
    allowed = InterfacePermissions(addresses_on=addresses_on, external=who.admin)
    return networks.resolve(context=who.context, requested=requested, permissions=allowed)[0]


def automatic(who: Caller, **more: Any) -> Any:
    return networks.automatic(context=who.context, **more)


def test_network_and_port(alice: Caller, network: Network) -> None:
    assert resolve(alice, network_id=network.id, tag="t").tag == "t"
    port = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    requested = resolve(alice, port_id=port.id)
    assert (requested.network_id, requested.port_id) == (network.id, port.id)


def test_unknown_networks(alice: Caller) -> None:
    network_id = uuid.UUID("6b1c0d51-0000-4000-8000-000000000000")
    with pytest.raises(exceptions.RequestedNetworkNotFound, match=str(network_id)):
        resolve(alice, network_id=network_id)
    with pytest.raises(exceptions.RequestedNetworkNotFound):
        resolve(alice)


def test_a_servers_row_keeps_what_was_asked_for(network: Network) -> None:
    for wanted in (
        RequestedNetwork(network_id=network.id, fixed_ip="10.9.0.7", tag="t"),
        RequestedNetwork(network_id=network.id, port_id=uuid.uuid4()),
    ):
        assert RequestedNetwork.from_row(json.loads(json.dumps(wanted.to_row()))) == wanted


def test_foreign_objects_are_not_found(alice: Caller, bob: Caller, network: Network) -> None:
    port = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    with pytest.raises(exceptions.RequestedNetworkNotFound):
        resolve(bob, network_id=network.id)
    with pytest.raises(exceptions.RequestedPortNotFound, match=str(port.id)):
        resolve(bob, port_id=port.id)


def test_states_that_do_not_serve(alice: Caller, network: Network, make_network: Callable[..., Network]) -> None:
    with pytest.raises(exceptions.NetworkRequiresSubnet):
        resolve(alice, network_id=make_network(alice, cidr=None).id)
    bare = ports.create(context=alice.context, network=network, values={"network_id": network.id, "fixed_ips": []})
    with pytest.raises(exceptions.PortRequiresFixedIp):
        resolve(alice, port_id=bare.id)
    used = ports.create(context=alice.context, network=network, values={"network_id": network.id, "device_id": "x"})
    with pytest.raises(exceptions.PortInUse):
        resolve(alice, port_id=used.id)
    twice = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    requested = [RequestedNetwork(port_id=twice.id)] * 2
    with pytest.raises(exceptions.PortInUse):
        networks.resolve(context=alice.context, requested=requested, permissions=InterfacePermissions())


def test_fixed_ips(alice: Caller, network: Network) -> None:
    assert resolve(alice, network_id=network.id, fixed_ip="10.9.0.7").fixed_ip == "10.9.0.7"
    for bad in ("10.10.0.1", "x", "10.9.0.255", "fe80::1%eth0"):
        with pytest.raises(exceptions.FixedIpInvalid):
            resolve(alice, network_id=network.id, fixed_ip=bad)
    ports.create(
        context=alice.context,
        network=network,
        values={"network_id": network.id, "fixed_ips": [{"ip_address": "10.9.0.7"}]},
    )
    for taken in ("10.9.0.7", "10.9.0.1"):
        with pytest.raises(exceptions.FixedIpInUse, match=taken):
            resolve(alice, network_id=network.id, fixed_ip=taken)


def test_queries_do_not_grow(alice: Caller, network: Network, django_assert_num_queries: Any) -> None:
    requested = [RequestedNetwork(network_id=network.id)] * 8
    with django_assert_num_queries(2):
        networks.resolve(context=alice.context, requested=requested, permissions=InterfacePermissions())


def test_addresses_of_own_networks_are_the_callers_to_choose(
    alice: Caller, admin: Caller, make_network: Callable[..., Network], django_assert_num_queries: Any
) -> None:
    own, shared = make_network(alice, cidr="10.1.0.0/24"), make_network(admin, cidr="10.2.0.0/24", shared=True)
    requested = [
        RequestedNetwork(network_id=own.id, fixed_ip="10.1.0.7"),
        RequestedNetwork(network_id=shared.id, fixed_ip="10.2.0.7"),
    ]
    with django_assert_num_queries(1):
        assert permissions.choosable_addresses(alice.context, requested) == {own.id}
    assert permissions.choosable_addresses(admin.context, requested) == {own.id, shared.id}
    with django_assert_num_queries(0):
        assert permissions.choosable_addresses(alice.context, [RequestedNetwork(network_id=own.id)]) == frozenset()
    with pytest.raises(PolicyForbidden, match="create_port:fixed_ips:ip_address"):
        resolve(alice, network_id=shared.id, fixed_ip="10.2.0.7")
    assert resolve(admin, network_id=shared.id, fixed_ip="10.2.0.7").fixed_ip == "10.2.0.7"


def test_external_networks_of_others_need_a_permission(
    alice: Caller, admin: Caller, make_network: Callable[..., Network]
) -> None:
    public, own = make_network(admin, external=True), make_network(alice, cidr="10.3.0.0/24", external=True)
    with pytest.raises(exceptions.ExternalNetworkForbidden):
        resolve(alice, network_id=public.id)
    assert resolve(admin, network_id=public.id).network_id == public.id
    assert resolve(alice, network_id=own.id).network_id == own.id


def test_automatic_order(alice: Caller, admin: Caller, make_network: Callable[..., Network]) -> None:
    assert automatic(alice, create=False) is None
    shared = make_network(admin, shared=True)
    assert automatic(alice).network_id == shared.id
    own = make_network(alice)
    assert automatic(alice).network_id == own.id
    make_network(alice, cidr="10.10.0.0/24")
    with pytest.raises(exceptions.NetworkAmbiguous, match="Multiple possible networks found"):
        automatic(alice)


def test_automatic_networks_are_made_once_and_apart(alice: Caller, bob: Caller) -> None:
    first = automatic(alice).network_id
    assert automatic(alice).network_id == first
    assert automatic(bob).network_id != first
    assert len(set(Subnet.objects.values_list("cidr", flat=True))) == 2


@pytest.mark.parametrize("resource", ["network", "subnet"])
def test_an_automatic_network_counts_against_the_quotas(alice: Caller, resource: str) -> None:
    limits.set_many(owner_id=alice.project_id, values={resource: 0}, force=True)
    with pytest.raises(exceptions.OverQuota, match=resource):
        automatic(alice)
    assert not Network.objects.exists()
    limits.set_many(owner_id=alice.project_id, values={resource: 1}, force=True)
    made = automatic(alice).network_id
    assert automatic(alice).network_id == made


@pytest.mark.django_db(transaction=True)
def test_automatic_at_once(settings: Any) -> None:
    """Also when the quota has room for one network alone."""
    settings.NETWORK_QUOTAS = {**settings.NETWORK_QUOTAS, "network": 1}
    caller = Caller("")
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(automatic(caller).network_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(selectors.owned(project_id=caller.project_id)) == 1
