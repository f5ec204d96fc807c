"""Backups: what the store has, and the rows of backups.

Sets:
  stored  = backups of which the store that this host sees has anything
  known   = backups with a row
  deleted = those whose row says so
Rules:
  stored and deleted -> removed (their rows went alone while the host that made them was down)
  stored - known     -> reported: another cloud's, or of after the database's own backup. Nobody removes it
  a store that does not say what it has -> reported: nothing is removed meanwhile
A backup that is being made has a row.
"""

import uuid

from apps.volumes.selectors import backups
from apps.workflow.services import leases
from workers.drivers.backup.errors import StoreUnavailable
from workers.engine.subjects import BACKUP
from workers.host.reconcilers.base import HostSnapshot

KIND = "backup"


def reconcile(snapshot: HostSnapshot) -> None:
    driver = snapshot.drivers.backup
    try:
        stored = {uuid.UUID(key) for key in driver.list_backups()}
    except StoreUnavailable as error:
        problem = f"the store does not say in time what it has: {error}"
        snapshot.report.remains(KIND, snapshot.drivers.host, found=problem)
        raise
    if not stored:
        return
    left = stored - backups.existing(stored)
    deleted = backups.deleted(left)
    for backup_id in sorted(deleted):
        with leases.idle(subject_type=BACKUP.name, subject_id=backup_id) as is_idle:
            if is_idle and backups.deleted([backup_id]):  # it may have been imported since
                driver.delete_backup(str(backup_id))
                problem = "its data is in the store, and the backup is deleted"
                snapshot.report.repaired(KIND, backup_id, found=problem, done="removed")
    for backup_id in sorted(left - deleted):
        snapshot.report.remains(KIND, backup_id, found="its data is in the store, and no backup has this id")
