"""Locks of networking, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

import uuid
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import QuerySet

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.networking.models import AddressScope, FloatingIP, Network, Port, QosPolicy, Router, Subnet, SubnetPool, Trunk
from apps.networking.models.base import Resource

M = TypeVar("M", bound=Resource)

_RANKS: dict[type[Resource], Rank] = {
    AddressScope: Rank.ADDRESS_SCOPE,
    SubnetPool: Rank.SUBNETPOOL,
    Router: Rank.ROUTER,
    Network: Rank.NETWORK,
    Subnet: Rank.SUBNET,
    Port: Rank.PORT,
    Trunk: Rank.TRUNK,
    FloatingIP: Rank.FLOATING_IP,
    QosPolicy: Rank.QOS_POLICY,
}


def _rank_of(row: Resource) -> Rank:
    return _RANKS.get(type(row), Rank.SECURITY_GROUP)


@ranked(Rank.SUBNETPOOL)
def subnetpool(subnetpool_id: uuid.UUID) -> SubnetPool | None:
    """Lock a subnet pool to change it, or to take a range of it."""
    return SubnetPool.objects.select_for_update(no_key=True).filter(id=subnetpool_id).first()


@ranked(Rank.SUBNETPOOL)
def subnetpools(subnetpool_ids: Iterable[uuid.UUID]) -> None:
    """Lock subnet pools, by id, while their subnets come to a router: a pool keeps its address scope meanwhile."""
    rows = SubnetPool.objects.select_for_update(no_key=True).filter(id__in=list(subnetpool_ids))
    list(rows.order_by("id").values_list("id"))


@ranked(Rank.ROUTER)
def router(router_id: uuid.UUID) -> Router | None:
    """Lock a router to change it, its interfaces and its gateway, and to lead floating IPs through it."""
    return Router.objects.select_for_update(no_key=True).filter(id=router_id).first()


@ranked(Rank.ROUTER)
def router_to_delete(router_id: uuid.UUID) -> Router | None:
    """Lock a router against everything, also interfaces and floating IPs that come to refer to it."""
    return Router.objects.select_for_update().filter(id=router_id).first()


@ranked(Rank.NETWORK)
def network(network_id: uuid.UUID) -> Network | None:
    """Lock a network while subnets are added to it: rows that refer to it need not wait."""
    return Network.objects.select_for_update(no_key=True).filter(id=network_id).first()


@ranked(Rank.NETWORK)
def network_to_delete(network_id: uuid.UUID) -> Network | None:
    """Lock a network against everything, also rows that come to refer to it."""
    return Network.objects.select_for_update().filter(id=network_id).first()


@ranked(Rank.NAME)
def address_scopes() -> None:
    """One at a time changes which prefixes an address scope has: its pools, and theirs."""
    advisory.hold("networking.address_scopes")


@ranked(Rank.SUBNET)
def subnet(subnet_id: uuid.UUID) -> Subnet:
    """Lock a subnet to change it. Raises Subnet.DoesNotExist."""
    return Subnet.objects.select_for_update(no_key=True).get(id=subnet_id)


@ranked(Rank.SUBNET)
def subnet_to_delete(subnet_id: uuid.UUID) -> Subnet | None:
    """Lock a subnet against everything, also addresses that come to refer to it."""
    return Subnet.objects.select_for_update().filter(id=subnet_id).first()


@ranked(Rank.SUBNET)
def subnets_to_delete(network_id: uuid.UUID) -> None:
    """Lock a network's subnets, by id, against everything; after the network, before its ports."""
    list(Subnet.objects.select_for_update().filter(network_id=network_id).order_by("id").values_list("id"))


@ranked(Rank.TRUNK)
def trunk(trunk_id: uuid.UUID) -> Trunk | None:
    """Lock a trunk against everything, to change its subports and to delete it; before its ports."""
    return Trunk.objects.select_for_update().filter(id=trunk_id).first()


@ranked(Rank.PORT)
def port(port_id: uuid.UUID) -> Port | None:
    """Lock a port to change it: rows that refer to it need not wait."""
    return Port.objects.select_for_update(no_key=True).filter(id=port_id).first()


@ranked(Rank.PORT)
def ports(port_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Port]:
    """Lock ports, by id, to change them."""
    rows = Port.objects.select_for_update(no_key=True).filter(id__in=list(port_ids)).order_by("id")
    return {row.id: row for row in rows}


@ranked(Rank.PORT)
def port_to_delete(port_id: uuid.UUID) -> Port | None:
    """Lock a port against everything."""
    return Port.objects.select_for_update().filter(id=port_id).first()


@ranked(Rank.PORT)
def ports_to_delete(port_ids: Iterable[uuid.UUID]) -> list[Port]:
    """Lock ports, by id, against everything."""
    return list(Port.objects.select_for_update().filter(id__in=list(port_ids)).order_by("id"))


@ranked(Rank.FLOATING_IP)
def floating_ip(floating_ip_id: uuid.UUID) -> FloatingIP | None:
    """Lock a floating IP to move or delete it; after the router and the ports that it leads to."""
    return FloatingIP.objects.select_for_update(no_key=True).filter(id=floating_ip_id).first()


@ranked(Rank.QOS_POLICY)
def qos_policy(policy_id: uuid.UUID) -> QosPolicy | None:
    """Lock a QoS policy to change its rules, or to keep it for what was given it."""
    return QosPolicy.objects.select_for_update(no_key=True).filter(id=policy_id).first()


@ranked(Rank.QOS_POLICY)
def qos_policy_to_delete(policy_id: uuid.UUID) -> QosPolicy | None:
    """Lock a QoS policy against everything, also what comes to refer to it."""
    return QosPolicy.objects.select_for_update().filter(id=policy_id).first()


@ranked(_rank_of)
def resource(row: Resource) -> QuerySet[Any]:
    """Return a query of this row alone that locks it when it is evaluated: for changes of its revision and tags."""
    return type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk)


@ranked(lambda model, ids: _RANKS.get(model, Rank.SECURITY_GROUP))
def shared(model: type[M], ids: Iterable[uuid.UUID]) -> list[M]:
    """Lock shared rows, by id, that something comes to use: who ends their sharing waits."""
    return list(model._default_manager.select_for_update(no_key=True).filter(id__in=list(ids)).order_by("id"))


@ranked(Rank.NAME)
def shared_network(name: str) -> None:
    """Let one transaction at a time make the shared network of a name."""
    advisory.hold(f"networking.bootstrap:{name}")
