"""Telling the network worker what changed: ids only, after commit. It reads the rows, and compares all now and then."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from apps.common import dispatch
from apps.networking import capabilities

QUEUE = "network"


def changed(
    *,
    ports: Iterable[uuid.UUID] = (),
    networks: Iterable[uuid.UUID] = (),
    servers: Iterable[uuid.UUID] = (),
    groups: Iterable[uuid.UUID] = (),
    routers: Iterable[uuid.UUID] = (),
    floating_ips: Iterable[uuid.UUID] = (),
    addresses: Iterable[uuid.UUID] = (),
) -> None:
    """Have ports, networks with their ports, servers' ports, groups, routers and floating IPs programmed as rows say.

    ``addresses`` are ports of servers whose addresses changed: the worker notifies their hosts.

    What has no row is removed, as is a floating IP that leads nowhere. Routers on a changed network are programmed too.

    Nothing is sent in a cloud whose hosts program their own networks.
    """
    if not capabilities.has_engine():
        return
    ids = {
        "ports": ports,
        "networks": networks,
        "servers": servers,
        "groups": groups,
        "routers": routers,
        "floating_ips": floating_ips,
        "addresses": addresses,
    }
    line = {kind: listed for kind, values in ids.items() if (listed := [str(value) for value in values])}
    if line:
        transaction.on_commit(lambda: dispatch.publish(QUEUE, line))
