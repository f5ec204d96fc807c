"""Automatic topologies: a project's network with a router to the default external network, made when it is asked for.

The network is the one that Nova's ``networks: auto`` uses, in a range of CELERITY_AUTOMATIC_NETWORKS.
"""

import uuid

from apps.identity.selectors import projects
from apps.networking import exceptions
from apps.networking.models import Network, RouterInterface
from apps.networking.selectors import sharing
from apps.networking.services import networks, requested_networks, router_interfaces, routers


def find(*, project_id: str) -> Network | None:
    """Return a project's automatic network, if it has one."""
    return Network.objects.filter(project_id=project_id, automatic_range__isnull=False).first()


def check(*, project_id: str) -> None:
    """Refuse what ``create`` could not make. Raises ProjectNotFound (404) and AutoAllocationFailed (409)."""
    if projects.find(project_id) is None:
        raise exceptions.ProjectNotFound(id=project_id[:64])
    if not Network.objects.filter(sharing.usable_external(project_id), is_default=True).exists():
        raise exceptions.AutoAllocationFailed(reason="No default router:external network")


def create(*, project_id: str) -> uuid.UUID:
    """Make a project's automatic network with its router; of two makers one wins. Returns the network's id.

    Raises ProjectNotFound (404), AutoAllocationFailed, OverQuota and IpAddressGenerationFailure (409).
    """
    check(project_id=project_id)
    return requested_networks.make_automatic(project_id=project_id)


def delete(*, project_id: str) -> None:
    """Delete a project's automatic network with its routers; absent is success.

    Raises the errors of what is in use (409): ports of servers, floating IPs.
    """
    network = find(project_id=project_id)
    if network is None:
        return
    for interface in RouterInterface.objects.filter(port__network=network).select_related("router"):
        router_interfaces.remove(router=interface.router, port_id=interface.port_id)
        if not interface.router.interfaces.exists():
            routers.delete(router=interface.router)
    networks.delete(network=network)
