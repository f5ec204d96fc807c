"""Floating IPs that servers get by themselves: one each, deleted with the server, the project's once it is moved."""

import uuid
from typing import Any

import pytest

from apps.networking import exceptions
from apps.networking.models import FloatingIP, Network, Port
from apps.networking.services import automatic_floating_ips, bindings, floating_ips, interfaces
from apps.networking.values import RequestedNetwork
from apps.quotas.models import Limit
from tests.callers import Caller
from tests.unit.networking.test_floating_ips import public, router

__all__ = ["public", "router"]


def boot(alice: Caller, network: Network, **request: Any) -> uuid.UUID:
    server = uuid.uuid4()
    requests = [RequestedNetwork(network_id=network.id, **request)]
    bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h1", requests=requests)
    automatic_floating_ips.assign(server_id=server, project_id=alice.project_id)
    return server


@pytest.mark.usefixtures("router")
def test_one_for_each_server_goes_with_it(alice: Caller, network: Network, public: Network) -> None:
    server = boot(alice, network)
    automatic_floating_ips.assign(server_id=server, project_id=alice.project_id)
    made = FloatingIP.objects.get()
    assert (made.project_id, made.floating_network_id, made.status) == (alice.project_id, public.id, "ACTIVE")
    assert made.fixed_port == Port.objects.get(device_id=str(server))
    bindings.release_for_server(server_id=server)
    assert not FloatingIP.objects.exists() and not Port.objects.filter(id=made.floating_port_id).exists()


@pytest.mark.usefixtures("router")
def test_with_a_given_port_and_with_its_detach(alice: Caller, network: Network) -> None:
    port = alice.post("/ports", {"port": {"network_id": str(network.id)}}).json()["port"]
    server = boot(alice, network, port_id=uuid.UUID(port["id"]))
    bindings.release_for_server(server_id=server)
    assert not FloatingIP.objects.exists() and Port.objects.filter(id=port["id"], device_id="").exists()
    server = boot(alice, network)
    interfaces.remove(server_id=server, port_id=Port.objects.get(device_id=str(server)).id)
    assert not FloatingIP.objects.exists()


@pytest.mark.usefixtures("router")
@pytest.mark.parametrize("is_moved", [False, True])
@pytest.mark.parametrize("gone", ["given port", "address"])
def test_with_what_it_leads_to(alice: Caller, network: Network, gone: str, is_moved: bool) -> None:
    """It goes with a port that the project keeps, and with an address; the project's own becomes or stays loose."""
    port = alice.post("/ports", {"port": {"network_id": str(network.id)}}).json()["port"]
    server, made = boot(alice, network, port_id=uuid.UUID(port["id"])), FloatingIP.objects.get()
    if is_moved:
        values = {"port_id": made.fixed_port_id, "fixed_ip_address": made.fixed_ip_address}
        floating_ips.update(context=alice.context, floating_ip=made, values=values)
    if gone == "given port":
        interfaces.remove(server_id=server, port_id=uuid.UUID(port["id"]))
        assert Port.objects.filter(id=port["id"], device_id="").exists()
    else:
        assert interfaces.remove_address(server_id=server, ip=str(made.fixed_ip_address))
    assert FloatingIP.objects.filter(id=made.id).exists() == is_moved
    assert Port.objects.filter(id=made.floating_port_id).exists() == is_moved


@pytest.mark.usefixtures("router")
def test_one_that_was_moved_is_the_projects(alice: Caller, network: Network) -> None:
    server, made = boot(alice, network), FloatingIP.objects.get()
    values = {"port_id": made.fixed_port_id, "fixed_ip_address": made.fixed_ip_address}
    floating_ips.update(context=alice.context, floating_ip=made, values=values)
    bindings.release_for_server(server_id=server)
    made.refresh_from_db()
    assert (made.auto_assigned, made.fixed_port_id, made.status) == (False, None, "DOWN")


@pytest.mark.usefixtures("router")
def test_none_of_a_network_that_is_closed_to_the_project(alice: Caller, network: Network, public: Network) -> None:
    Network.objects.filter(id=public.id).update(external_to_all=False, project_id=uuid.uuid4().hex)
    boot(alice, network)
    assert not FloatingIP.objects.exists()


def test_none_without_a_way_out(alice: Caller, network: Network, public: Network) -> None:
    boot(alice, network)
    assert not FloatingIP.objects.exists()


@pytest.mark.usefixtures("router")
def test_a_quota_that_is_used_up_fails_the_server(alice: Caller, network: Network) -> None:
    Limit.objects.create(owner_id=alice.project_id, resource="floatingip", value=0)
    with pytest.raises(exceptions.OverQuota, match="floatingip"):
        boot(alice, network)
