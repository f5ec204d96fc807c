"""Quotas: the books of usages, and what the rows count.

Sets:
  booked   = (in use, reserved) of every owner and resource, as in the usages
  counted  = the same, counted from servers, key pairs and reservations
  reserved = consumers with a reservation
  open     = consumers with an open run
Rules:
  reserved - open, the consumer is there     -> the promise becomes use
  reserved - open, the consumer is not there -> the promise is given back
  booked differs from counted                -> booked becomes counted, while nobody else writes
Usages and rows change in one transaction, and are compared in one snapshot: nothing is half seen.
"""

import uuid

from apps.compute.selectors import servers
from apps.compute.services import quota_verification
from apps.operations.consistency import rows
from apps.quotas.services import reservations
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport

KIND = "quota"
RESERVATION = "reservation"
KINDS = (KIND, RESERVATION)


def reconcile(report: FindingReport) -> None:
    for consumer_id in rows.unsettled():
        _settle(report, consumer_id)
    if not quota_verification.verify():
        return
    repaired = quota_verification.repair()
    for orphan in repaired.orphans:
        report.repaired(RESERVATION, orphan, found="reserved for a server that does not exist", done="released")
    for one in repaired.differences:
        report.repaired(KIND, f"{one.owner_id} {one.resource}", found=str(one), done="set to the actual usage")


def _settle(report: FindingReport, consumer_id: uuid.UUID) -> None:
    with leases.idle(subject_id=consumer_id) as is_idle:
        if not is_idle or consumer_id not in rows.unsettled():
            return
        present = bool(servers.existing(server_ids=[consumer_id]))
        settle = reservations.commit if present else reservations.cancel
        settle(consumers=[consumer_id])
    done = "counted as use" if present else "released"
    report.repaired(RESERVATION, consumer_id, found="reserved, but no active run will settle it", done=done)
