"""Hosts as hypervisors: capacity, claims, and servers."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet, Sum

from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.exceptions import HypervisorNotFound
from apps.compute.models import Server
from apps.scheduling.selectors import hosts

if TYPE_CHECKING:
    from apps.scheduling.models import Host

MAX_SERVERS = 10_000  # of one answer


def everything() -> QuerySet["Host"]:
    return hosts.all_hosts()


def matching(*, pattern: str) -> QuerySet["Host"]:
    """Return the hosts whose names contain ``pattern``. Raises HypervisorNotFound (404) when there is none."""
    rows = everything().filter(name__icontains=pattern)
    if not rows:
        raise HypervisorNotFound(f"No hypervisor matching '{pattern[:255]}' could be found.")
    return rows


def get(*, key: str, by_uuid: bool) -> "Host":
    """Return the host of a hypervisor's id: a UUID since 2.53, a number before.

    Raises BadRequest (400) where a UUID is wanted and it is none, HypervisorNotFound (404).
    """
    if by_uuid:
        value = parse_uuid(key)
        if value is None:
            raise BadRequest(f"Invalid uuid {key[:64]}")
        host = everything().filter(id=value).first()
    else:
        host = (
            everything().filter(number=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
        )
    if host is None:
        raise HypervisorNotFound(hypervisor=key[:64])
    return host


def servers_on(*, names: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return host -> its servers (uuid and name). 1 query."""
    by_host: dict[str, list[dict[str, str]]] = defaultdict(list)
    rows = Server.objects.filter(host__in=list(names), deleted_at=None).order_by("created_at", "id")
    for host, key, name in rows.values_list("host", "id", "name")[:MAX_SERVERS]:
        by_host[host].append({"uuid": str(key), "name": name})
    return dict(by_host)


def workloads(*, names: Iterable[str]) -> dict[str, int]:
    """Return host -> servers on it that a task is under way for. 1 query."""
    rows = Server.objects.filter(host__in=list(names), deleted_at=None).exclude(task_state="")
    return dict(rows.order_by().values_list("host").annotate(count=Count("id")))


def totals() -> dict[str, int]:
    """Return sums over all enabled hosts, as Nova's statistics. 2 queries."""
    rows = hosts.all_hosts().filter(enabled=True)
    columns = (
        "vcpus", "vcpus_reserved", "vcpus_used", "ram_mib", "ram_reserved", "ram_used",
        "disk_gib", "disk_reserved", "disk_used", "servers",
    )  # fmt: skip
    sums = rows.order_by().aggregate(count=Count("id"), **{c: Sum(f"inventory__{c}", default=0) for c in columns})
    busy = Server.objects.filter(deleted_at=None).exclude(task_state="").exclude(host="").count()
    return {**{key: int(value) for key, value in sums.items()}, "workload": busy}


def resources_of(*, host: "Host") -> list[dict[str, Any]]:
    """Return os-hosts' rows of a host: its total, its usage, the possible maximum, and each project's servers."""
    inventory = host.inventory
    rows = Server.objects.filter(host=host.name, deleted_at=None).only("project_id", "flavor")[:MAX_SERVERS]
    projects: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    asked = [0, 0, 0]
    for server in rows:
        wanted = (server.flavor["vcpus"], server.flavor["ram"], server.flavor["disk"] + server.flavor["ephemeral"])
        for index, amount in enumerate(wanted):
            projects[server.project_id][index] += int(amount)
            asked[index] += int(amount)
    amounts = {
        "(total)": [inventory.vcpus, inventory.ram_mib, inventory.disk_gib],
        "(used_now)": [inventory.vcpus_used, inventory.ram_used, inventory.disk_used],
        "(used_max)": asked,
        **projects,
    }
    return [
        {"host": host.name, "project": project, "cpu": cpu, "memory_mb": ram, "disk_gb": disk}
        for project, (cpu, ram, disk) in amounts.items()
    ]
