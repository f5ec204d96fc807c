"""The values of the backup contract: a backup to make, the disk that is read or written, what a store has."""

from __future__ import annotations

from dataclasses import dataclass

from workers.drivers import values


@dataclass(frozen=True, slots=True)
class BackupSpec:
    """A backup to make. With `parent_id` it holds what changed since that one, which has to stay."""

    id: str
    size_gib: int
    parent_id: str | None = None

    def __post_init__(self) -> None:
        """The ids become names of objects."""
        values.check_uuid(self.id, "a backup's id")
        if self.parent_id is not None:
            values.check_uuid(self.parent_id, "a backup's id")


@dataclass(frozen=True, slots=True)
class Disk:
    """An open export of a volume on this host: NBD, by `export`, on the unix socket `socket`."""

    socket: str
    export: str


@dataclass(frozen=True, slots=True)
class BackupInfo:
    """A whole backup in the store. `objects` and `stored_bytes` are its own, without those of its parents."""

    id: str
    size_gib: int
    objects: int
    stored_bytes: int
    parent_id: str | None = None
