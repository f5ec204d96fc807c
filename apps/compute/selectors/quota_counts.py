"""How compute's reserved resources are counted from its rows (quota_verify)."""

from collections import defaultdict

from django.db.models import Count

from apps.compute import states
from apps.compute.models import KeyPair, Server, ServerGroup
from apps.compute.selectors import migrations, servers
from apps.quotas.registry import Recount, Reservations

SERVER_RESOURCES = ("instances", "cores", "ram")
RESOURCES = (*SERVER_RESOURCES, "key_pairs", "server_groups")


def recount(reservations: Reservations) -> Recount:
    """Count servers, key pairs and server groups. 4 queries.

    A server's amounts are reserved while its reservations are open, and in use from then on, but for one that waits
    for its restore. What a resize adds is reserved beside its usage.
    """
    in_use: dict[tuple[str, str], int] = defaultdict(int)
    reserved: dict[tuple[str, str], int] = defaultdict(int)
    consumers = set()
    resized = migrations.flavors_held()
    rows = Server.objects.filter(deleted_at=None).values_list("id", "project_id", "flavor", "vm_state")
    for server_id, project_id, flavor, vm_state in rows.iterator(chunk_size=2000):
        consumers.add(server_id)
        open_amounts = reservations.get(server_id, {})
        amounts = [servers.usage_of(held) for held in (flavor, *resized.get(server_id, ()))]
        for resource in SERVER_RESOURCES:
            still = open_amounts.get((project_id, resource), 0)
            reserved[project_id, resource] += still
            counts = vm_state != states.SOFT_DELETED and (not still or server_id in resized)
            in_use[project_id, resource] += max(each[resource] for each in amounts) if counts else 0
    for user_id, count in KeyPair.objects.order_by().values_list("user_id").annotate(count=Count("id")):
        in_use[user_id, "key_pairs"] = count
    for project_id, count in ServerGroup.objects.order_by().values_list("project_id").annotate(count=Count("id")):
        in_use[project_id, "server_groups"] = count
    return Recount(in_use=in_use, reserved=reserved, consumers=consumers)
