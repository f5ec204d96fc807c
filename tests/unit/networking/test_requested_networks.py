"""What a request for a server says about networks: Nova's answers."""

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.networking import exceptions
from apps.networking.models import Network, Subnet
from apps.networking.selectors import networks as selectors
from apps.networking.services import networks, ports
from apps.networking.values import RequestedNetwork
from tests.callers import Caller


def resolve(who: Caller, **values: Any) -> Any:
    return networks.resolve(context=who.context, requested=[RequestedNetwork(**values)])[0]


def automatic(who: Caller, **more: Any) -> Any:
    return networks.automatic(context=who.context, **more)


def test_network_and_port(alice: Caller, network: Network) -> None:
    assert resolve(alice, network_id=network.id, tag="t").tag == "t"
    port = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    found = resolve(alice, port_id=port.id)
    assert (found.network_id, found.port_id) == (network.id, port.id)


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
    with pytest.raises(exceptions.PortInUse):
        networks.resolve(context=alice.context, requested=[RequestedNetwork(port_id=twice.id)] * 2)


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
    with django_assert_num_queries(2):
        networks.resolve(context=alice.context, requested=[RequestedNetwork(network_id=network.id)] * 8)


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


@pytest.mark.django_db(transaction=True)
def test_automatic_at_once() -> None:
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
