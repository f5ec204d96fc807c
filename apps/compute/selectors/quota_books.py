"""What the rows say each owner uses: the other side of the quota's books."""

import uuid
from collections import defaultdict

from django.db.models import Count

from apps.compute.models import KeyPair, Server, ServerGroup
from apps.compute.selectors import servers
from apps.quotas.selectors import reservations

Books = dict[tuple[str, str], tuple[int, int]]
SERVER_RESOURCES = ("instances", "cores", "ram")
RESOURCES = (*SERVER_RESOURCES, "key_pairs", "server_groups")


def recount() -> tuple[Books, list[uuid.UUID]]:
    """Return (owner, resource) -> (in use, reserved) as the rows have it, and consumers that do not exist. 4 queries.

    What a server counts is reserved as long as its reservations are not settled, and in use from then on.
    """
    promised = reservations.by_consumer()
    in_use: dict[tuple[str, str], int] = defaultdict(int)
    reserved: dict[tuple[str, str], int] = defaultdict(int)
    known = set()
    rows = Server.objects.filter(deleted_at=None).values_list("id", "project_id", "flavor")
    for key, project_id, flavor in rows.iterator(chunk_size=2000):
        known.add(key)
        open_promises = promised.get(key, {})
        for resource, amount in servers.usage_of(flavor).items():
            still = open_promises.get((project_id, resource), 0)
            reserved[project_id, resource] += still
            in_use[project_id, resource] += amount if not still else 0
    for user_id, count in KeyPair.objects.order_by().values_list("user_id").annotate(count=Count("id")):
        in_use[user_id, "key_pairs"] = count
    for project_id, count in ServerGroup.objects.order_by().values_list("project_id").annotate(count=Count("id")):
        in_use[project_id, "server_groups"] = count
    orphans = [
        consumer
        for consumer, amounts in promised.items()
        if consumer not in known and any(resource in RESOURCES for _, resource in amounts)
    ]
    return {key: (in_use[key], reserved[key]) for key in {*in_use, *reserved}}, orphans
