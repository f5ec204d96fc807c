"""Automatic topologies: a project's network with a router to the default external network, made when it is asked for.

The network is the one that Nova's ``networks: auto`` uses, in a range of CELERITY_AUTOMATIC_NETWORKS.
"""

import uuid

from django.db import transaction

from apps.identity.selectors import projects
from apps.networking import exceptions, locks
from apps.networking.models import Network, RouterInterface
from apps.networking.selectors import sharing
from apps.networking.services import networks, quotas, requested_networks, router_interfaces, routers, ways_out


def find(*, project_id: str) -> Network | None:
    """Return a project's automatic network, if it has one."""
    return Network.objects.filter(project_id=project_id, automatic_range__isnull=False).first()


def is_complete(*, network: Network) -> bool:
    """Return whether an automatic network is on a router."""
    return RouterInterface.objects.filter(port__network=network).exists()


def check(*, project_id: str) -> None:
    """Refuse what ``ensure`` could not make. Raises ProjectNotFound (404) and AutoAllocationFailed (409)."""
    if projects.find(project_id) is None:
        raise exceptions.ProjectNotFound(id=project_id[:64])
    _external(project_id)


def _external(project_id: str) -> Network:
    usable = Network.objects.filter(sharing.usable_external(project_id))
    network = usable.filter(is_default=True).first()
    if network is None:
        raise exceptions.AutoAllocationFailed(reason="No default router:external network")
    return network


def ensure(*, project_id: str) -> uuid.UUID:
    """Make what is missing of a project's automatic network and its router; of two makers one wins.

    Returns the network's id. Raises ProjectNotFound (404), AutoAllocationFailed, OverQuota and
    IpAddressGenerationFailure (409).
    """
    check(project_id=project_id)
    network = find(project_id=project_id)
    if network is None:
        return requested_networks.make_automatic(project_id=project_id)
    with transaction.atomic():
        for resource in ("router", "port"):
            quotas.check(resource=resource, project_id=project_id)
        ways_out.ensure_router(network=network, external=_external(project_id))
    return network.id


def delete(*, project_id: str) -> None:
    """Delete a project's automatic network with the project's routers on it, or nothing; absent is success.

    A router that is on other networks too only leaves this one. Raises the errors of what is in use (409): ports of
    servers, interfaces of other projects' routers, floating IPs.
    """
    network = find(project_id=project_id)
    if network is None:
        return
    with transaction.atomic():
        own = RouterInterface.objects.filter(port__network=network, router__project_id=project_id)
        for router_id in sorted(set(own.values_list("router_id", flat=True))):
            locks.router_to_delete(router_id)
        locks.network_to_delete(network.id)
        locks.subnets_to_delete(network.id)
        for interface in own.select_related("router"):
            router_interfaces.remove(router=interface.router, port_id=interface.port_id)
            if not interface.router.interfaces.exists():
                routers.delete(router=interface.router)
        networks.delete(network=network)
