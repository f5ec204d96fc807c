"""Servers and their runs.

Sets:
  busy = servers that are building, or have a task under way
  open = servers with an open run
Rules:
  busy - open, building           -> in error with the cause, everything it held given back
  busy - open, with another task  -> the task is over; power states are the host's reconciler's
A server and its run are written in one transaction, at the beginning and at the end.
"""

import uuid

from apps.compute import states
from apps.compute.services import server_states
from apps.operations.consistency import rows
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.engine.subjects import SERVER

KIND = "server"
KINDS = (KIND,)
MESSAGE = "The build was lost. Delete the server and create it again."


def reconcile(report: FindingReport) -> None:
    for stuck in rows.stuck():
        _free(report, stuck.server_id)


def _free(report: FindingReport, server_id: uuid.UUID) -> None:
    with leases.idle(subject_type=SERVER.name, subject_id=server_id) as is_idle:
        ended = server_states.end_orphaned_task(server_id=server_id, message=MESSAGE) if is_idle else None
    if ended is None:
        return
    vm_state, task_state = ended
    building = vm_state == states.BUILDING
    report.repaired(
        KIND,
        server_id,
        found=f"{vm_state}, task {task_state or 'none'}, and no run is open",
        done="in error; its ports and its allocation were released" if building else "the task was ended",
    )
