"""Ports of servers: rows only. Agents compare their hosts (workers.host.reconcilers.ports).

Sets:
  bound  = servers that hold ports, and the hosts of these ports
  placed = idle servers, and their hosts
Rules:
  bound - placed                      -> the ports are released with their addresses; users' own ports become free
  bound and placed on different hosts -> bound to the server's host; the agents follow
"""

import uuid

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.networking.services import bindings
from apps.operations.consistency import rows
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.engine.subjects import SERVER

KIND = "port"
KINDS = (KIND,)


def reconcile(report: FindingReport) -> None:
    for server_id in dict.fromkeys(stray.server_id for stray in rows.strays()):
        _repair(report, server_id)


def _repair(report: FindingReport, server_id: uuid.UUID) -> None:
    with leases.idle(subject_type=SERVER.name, subject_id=server_id) as is_idle:
        server = selectors.load(server_id=server_id) if is_idle else None
        if not is_idle or (server is not None and server.vm_state == states.BUILDING):
            return
        hosts = sorted({stray.port_host for stray in rows.strays() if stray.server_id == server_id})
        if not hosts:
            return
        if server is not None and server.host:
            bindings.move_for_server(server_id=server_id, host=server.host)
            done = f"bound to {server.host}, where the server is"
        else:
            bindings.release_for_server(server_id=server_id)
            done = "released"
    there = f"is on {server.host or 'no host'}" if server else "does not exist"
    report.repaired(KIND, server_id, found=f"bound on {', '.join(hosts)}; the server {there}", done=done)
