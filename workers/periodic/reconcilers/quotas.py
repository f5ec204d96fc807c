"""Quotas: recorded usages, and counted rows.

Sets:
  recorded = (in use, reserved) of every owner and resource, as in the usages
  counted  = the same, counted from servers, key pairs and reservations
  reserved = consumers with a reservation
  open     = consumers with an open run, and those of volumes that change their type
Rules:
  reserved - open, the consumer exists         -> the reservation becomes usage
  reserved - open, the consumer does not exist -> the reservation is released
  recorded differs from counted                -> the usage is corrected under a lock
Usages and rows change in one transaction and are compared in one snapshot.
"""

import uuid

from apps.compute.selectors import servers
from apps.operations.consistency import rows
from apps.quotas.services import reservations, verification
from apps.volumes.selectors import snapshots, volumes
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.engine.subjects import SERVER

KIND = "quota"
RESERVATION = "reservation"
KINDS = (KIND, RESERVATION)


def reconcile(report: FindingReport) -> None:
    for consumer_id in rows.unsettled():
        _repair(report, consumer_id)
    if not verification.verify():
        return
    repaired = verification.repair()
    for orphan in repaired.orphans:
        report.repaired(RESERVATION, orphan, found="reserved for a server that does not exist", done="released")
    for difference in repaired.differences:
        report.repaired(
            KIND, f"{difference.owner_id} {difference.resource}", found=str(difference), done="set to the actual usage"
        )


def _repair(report: FindingReport, consumer_id: uuid.UUID) -> None:
    with leases.idle(subject_type=SERVER.name, subject_id=consumer_id) as is_idle:
        if not is_idle or consumer_id not in rows.unsettled():
            return
        present = any(known([consumer_id]) for known in (_servers, volumes.existing, snapshots.existing))
        settle = reservations.commit if present else reservations.cancel
        settle(consumers=[consumer_id])
    done = "counted as use" if present else "released"
    report.repaired(RESERVATION, consumer_id, found="reserved, but no active run will settle it", done=done)


def _servers(ids: list[uuid.UUID]) -> set[uuid.UUID]:
    return servers.existing(server_ids=ids)
