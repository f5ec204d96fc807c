"""Every difference between the rows, and between rows and hosts. In a healthy cloud at rest there is none.

Rules, each a comparison of sets:
  usage of an owner                = what its servers count (+ what is reserved for open runs)
  reservations                     = consumers with an open run
  used capacity of a host          = sum of its allocations
  allocations                      = servers that are placed, or being built
  bound ports                      = servers that are there
  domains, files, ports on a host  = servers whose rows are on that host
"""

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.db import connection

from apps.compute.selectors import servers
from apps.compute.services import quota_verification
from apps.networking.selectors import bindings
from apps.workflow.selectors import runs
from workers.config import HostDrivers


@dataclass(frozen=True, slots=True)
class Finding:
    """``kind`` names the rule, ``what`` the thing, ``details`` both sides of the difference."""

    kind: str
    what: str
    details: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


_USED = """
SELECT h.name, i.vcpus_used, i.ram_used, i.disk_used, i.servers, coalesce(sum(a.vcpus), 0), coalesce(sum(a.ram_mib), 0),
       coalesce(sum(a.disk_gib), 0), count(a.id)
  FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
  LEFT JOIN scheduling_allocation a ON a.host_id = i.host_id
 GROUP BY h.name, i.vcpus_used, i.ram_used, i.disk_used, i.servers
"""
_ALLOCATIONS = """
SELECT a.consumer_id::text, s.id IS NOT NULL, s.host, h.name FROM scheduling_allocation a
  JOIN scheduling_host h ON h.id = a.host_id
  LEFT JOIN compute_server s ON s.id = a.consumer_id AND s.deleted_at IS NULL
 WHERE s.id IS NULL OR (s.host <> h.name AND s.vm_state <> 'building')
"""
_UNALLOCATED = """
SELECT s.id::text, s.host FROM compute_server s LEFT JOIN scheduling_allocation a ON a.consumer_id = s.id
 WHERE s.deleted_at IS NULL AND s.host <> '' AND a.id IS NULL
"""
_RESERVED = """
SELECT DISTINCT r.consumer_id::text FROM quotas_reservation r
 WHERE NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = r.consumer_id
                   AND w.state IN ('queued', 'running', 'reverting'))
"""


def _rows(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def of_rows() -> Iterator[Finding]:
    """Compare the rows with each other."""
    quota = quota_verification.verify()
    for difference in quota.differences:
        yield Finding("quota", f"{difference.owner_id} {difference.resource}", str(difference))
    for orphan in quota.orphans:
        yield Finding("reservation", str(orphan), "its consumer is not there")
    for name, *numbers in _rows(_USED):
        if numbers[:4] != numbers[4:]:
            yield Finding("inventory", str(name), f"used {numbers[:4]}, allocated {numbers[4:]}")
    for consumer, exists, server_host, host in _rows(_ALLOCATIONS):
        yield Finding("allocation", str(consumer), f"on {host}; server exists: {exists}, on {server_host!r}")
    for server, host in _rows(_UNALLOCATED):
        yield Finding("allocation", str(server), f"on {host} without an allocation")
    for (consumer,) in _rows(_RESERVED):
        yield Finding("reservation", str(consumer), "no run is open for it")
    present = servers.existing(server_ids=list(bindings.bound_server_ids()))
    for server_id in sorted(bindings.bound_server_ids() - present, key=str):
        yield Finding("port", str(server_id), "bound to a server that is not there")


def of_host(drivers: HostDrivers) -> Iterator[Finding]:
    """Compare one host with its rows; servers with an open run are left out: they are on their way."""
    domains = {info.id: str(info.power_state) for info in drivers.hypervisor.list_domains()}
    files = set(drivers.storage.list_servers())
    plugged = {port.id: port.tap for port in drivers.network.list_ports()}
    rows = {str(server.id): server for server in servers.on_host(host=drivers.host)}
    for kind, there in (("domain", set(domains)), ("files", files)):
        for server_id in sorted(there - set(rows)):
            if not runs.has_active(subject_id=uuid.UUID(server_id)):
                yield Finding(kind, server_id, f"on {drivers.host}, but no server of that host has this id")
    for server_id, server in rows.items():
        running = domains.get(server_id) == "running"
        if (
            not server.task_state
            and server.vm_state in ("active", "stopped")
            and running != (server.vm_state == "active")
        ):
            details = f"{server.vm_state} by its row, {domains.get(server_id)} on {drivers.host}"
            yield Finding("power", server_id, details)
    bound = {str(facts.id) for facts in bindings.specs_for_host(host=drivers.host)}
    for port_id in sorted(set(plugged) - bound):
        yield Finding("port", port_id, f"plugged on {drivers.host} as {plugged[port_id]}, but not bound to it")
