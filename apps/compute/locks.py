"""Locks of compute, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

import uuid
from contextlib import AbstractContextManager

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.compute.models import Flavor, Server, ServerGroup


@ranked(Rank.SERVER_GROUP)
def server_group(group_id: uuid.UUID) -> bool:
    """Lock a group while members join it or are placed. Returns False if the group was deleted.

    Servers that merely refer to it need not wait. Reads after the lock see the others' changes.
    """
    rows = ServerGroup.objects.select_for_update(no_key=True).filter(id=group_id)
    return bool(rows.values_list("id", flat=True).first())


@ranked(Rank.SERVER_GROUP)
def server_group_to_delete(group_id: uuid.UUID) -> ServerGroup | None:
    """Lock a group against everything, also servers that come to refer to it."""
    return ServerGroup.objects.select_for_update().filter(id=group_id).first()


@ranked(Rank.SERVER)
def server(server_id: uuid.UUID) -> Server | None:
    """Lock a server that is not deleted. It comes before its runs, its reservations and its allocation."""
    return Server.objects.select_for_update().filter(id=server_id, deleted_at=None).first()


@ranked(Rank.SESSION)
def pool_of_disks() -> AbstractContextManager[bool]:
    """Hold the right to clear the servers' pool for the block: one host at a time. Gives False while another has it."""
    return advisory.trying("compute.pool_of_disks")


@ranked(Rank.FLAVOR)
def flavor(flavor: Flavor) -> Flavor:
    """Lock a flavor to change its extra specs. Raises Flavor.DoesNotExist."""
    return Flavor.objects.select_for_update().get(id=flavor.id)
