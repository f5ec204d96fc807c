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

from django.db import transaction

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import progress
from apps.networking.services import bindings
from apps.workflow.services import leases
from apps.workflow.services.findings import Look
from workers.audit import rows

KIND = "server"
KINDS = (KIND,)
MESSAGE = "Its build was lost: nobody works on it any more. Delete the server and create it again."


def reconcile(told: Look) -> None:
    for stuck in rows.stuck():
        _free(told, stuck.server_id)


def _free(told: Look, server_id: uuid.UUID) -> None:
    with leases.at_rest(subject_id=server_id) as resting:
        server = selectors.load(server_id=server_id) if resting else None
        if server is None or not (server.task_state or server.vm_state == states.BUILDING):
            return
        found = f"{server.vm_state}, task {server.task_state or 'none'}, and no run is open"
        if server.vm_state == states.BUILDING:
            with transaction.atomic():
                bindings.release_for_server(server_id=server_id)
                progress.unplace(server_id=server_id)
                progress.failed(server_id=server_id, code=500, message=MESSAGE, details=found)
            done = "in error; its ports and its allocation were given back"
        else:
            progress.end_task(server_id=server_id)
            done = "the task was ended"
    told.repaired(KIND, server_id, found=found, done=done)
