"""The simulated store: backups that are records, the same for all hosts of a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import values
from workers.drivers.backup.base import BackupDriver, BackupInfo, BackupSpec, Disk
from workers.drivers.backup.errors import BackupMissing
from workers.drivers.simulation import Simulation

STORE = "backup-store"  # the directory beside those of the hosts


class SimulatedBackups(BackupDriver):
    """Options: `state_dir` and `host` (required), `plan_file`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)
        self._store = Simulation({"state_dir": Path(options["state_dir"]), "host": STORE})

    def create_backup(self, backup: BackupSpec, disk: Disk, stop: Event | None = None) -> BackupInfo:
        with self._simulation.operation("create_backup", stop=stop) as operation:
            if backup.parent_id is not None:
                self._existing(backup.parent_id)
            operation.halfway()
            record = {"size_gib": backup.size_gib, "parent_id": backup.parent_id}
            self._store.write("backups", backup.id, record)
            return _info(backup.id, record)

    def restore_backup(self, backup_id: str, disk: Disk, stop: Event | None = None) -> None:
        with self._simulation.operation("restore_backup", stop=stop) as operation:
            self._existing(backup_id)
            operation.halfway()

    def delete_backup(self, backup_id: str) -> None:
        values.check_uuid(backup_id, "a backup's id")
        with self._simulation.operation("delete_backup") as operation:
            operation.halfway()
            self._store.remove("backups", backup_id)

    def find_backup(self, backup_id: str) -> BackupInfo | None:
        values.check_uuid(backup_id, "a backup's id")
        with self._simulation.operation("find_backup"):
            record = self._store.read("backups", backup_id)
            return _info(backup_id, record) if record is not None else None

    def list_backups(self) -> tuple[str, ...]:
        with self._simulation.operation("list_backups"):
            return self._store.names("backups")

    def _existing(self, backup_id: str) -> dict[str, Any]:
        values.check_uuid(backup_id, "a backup's id")
        record = self._store.read("backups", backup_id)
        if record is None:
            raise BackupMissing("The backup's data is not in the store.", details=backup_id)
        return record


def _info(backup_id: str, record: Mapping[str, Any]) -> BackupInfo:
    return BackupInfo(backup_id, record["size_gib"], 0, 0, record["parent_id"])
