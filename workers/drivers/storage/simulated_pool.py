"""The simulated storage with disks in a pool that all simulated hosts see: records beside those of the hosts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from threading import Event
from typing import Any, Literal

from workers.drivers import values
from workers.drivers.simulation import Simulation
from workers.drivers.storage.base import CachedImage, Capabilities, Disk, Progress, ServerSource
from workers.drivers.storage.errors import DiskTooSmall, FilesMissing, StorageUnavailable
from workers.drivers.storage.simulated import SimulatedStorage
from workers.system.ceph.access import ClusterImage

POOL = "disk-pool"  # the directory beside those of the hosts
_GIB = 1 << 30
_UNKEPT = ("swap", "rescue")

Records = dict[str, Any]


class SimulatedPool(SimulatedStorage):
    """Options: SimulatedStorage's."""

    capabilities = Capabilities(**{**asdict(SimulatedStorage.capabilities), "shared": True})

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        super().__init__(options)
        self._pool = Simulation({**options, "host": POOL})

    def root(self, server_id: str) -> Disk:
        root = super().root(server_id)
        if "root" not in self._there(server_id):
            raise StorageUnavailable("A disk of the server is not in the pool.", details=root.path)
        return root

    def remove_disk(self, server_id: str, name: str) -> None:
        super().remove_disk(server_id, name)
        there = self._there(server_id)
        if there.pop(name, None) is not None:
            self._pool.write("disks", server_id, there)

    def guest_disk(self, disk: Disk) -> ClusterImage:
        pool, _, image = disk.path.partition("/")
        return ClusterImage(pool, image, ("192.0.2.1:3300",), "celerity", str(uuid.UUID(int=1)), "")

    def pooled_disks(self, server_id: str) -> tuple[Disk, ...]:
        disks = (Disk(**record) for record in (self._simulation.read("disks", server_id) or {}).values())
        return tuple(disk for disk in disks if disk.in_pool)

    def missing_disks(self) -> tuple[str, ...]:
        with self._simulation.operation("missing_disks"):
            mine = (
                (server, self._simulation.read("disks", server) or {}) for server in self._simulation.names("disks")
            )
            pooled = ((key, {name for name, disk in record.items() if disk.get("in_pool")}) for key, record in mine)
            return tuple(key for key, names in pooled if names - {"swap"} - set(self._there(key)))

    def mark_root(self, server_id: str) -> None:
        with self._simulation.operation("mark_root"):
            self.root(server_id)
            self._pool.write("marks", server_id, {})

    def marked_root(self, server_id: str) -> str:
        return f"disks/disk-{server_id}-root@copied" if self._pool.read("marks", server_id) is not None else ""

    def snapshot_root(self, server_id: str, progress: Progress | None = None) -> Disk:
        made = super().snapshot_root(server_id, progress)
        self._pool.remove("marks", server_id)
        return made

    def remove_snapshot(self, server_id: str) -> None:
        self._pool.remove("marks", server_id)
        super().remove_snapshot(server_id)

    def take_disks(self, server_id: str) -> bool:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("take_disks") as operation:
            there, known = self._there(server_id), self._pool.read("fences", server_id) or {"by": []}
            if there:
                self._pool.write("fences", server_id, {"by": [*known["by"], self._simulation.host]})
            operation.halfway()
            if there:
                self._note(server_id, there)
            return bool(there)

    def delete_disks(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("delete_disks") as operation:
            self._pool.remove("kept", server_id)
            self._pool.remove("fences", server_id)
            self._pool.remove("marks", server_id)
            operation.halfway()
            self._pool.remove("disks", server_id)

    def owns_disks(self, server_id: str) -> bool:
        return True

    def list_disks(self) -> tuple[str, ...]:
        with self._simulation.operation("list_disks"):
            return self._pool.names("disks")

    def receive_server(self, server_id: str, source: ServerSource, stop: Event) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("receive_server", stop=stop) as operation:
            there = self._there(server_id)
            if not there:
                raise FilesMissing("The server has no disks in the pool.", details=server_id)
            self._keep(server_id, there, source.host)
            operation.halfway()
            self._note(server_id, there)

    def keep_server(self, server_id: str, stop: Event) -> None:
        with self._simulation.operation("keep_server", stop=stop) as operation:
            there = self._there(server_id)
            if not there:
                raise FilesMissing("The server has no disks in the pool.", details=server_id)
            operation.halfway()
            self._keep(server_id, there, self._simulation.host)

    def _keep(self, server_id: str, there: Records, host: str) -> None:
        if self._pool.read("kept", server_id) is None:
            kept = {name: disk for name, disk in there.items() if name not in _UNKEPT}
            self._pool.write("kept", server_id, {"host": host, "disks": kept})

    def return_server(self, server_id: str) -> None:
        with self._simulation.operation("return_server") as operation:
            known = self._pool.read("kept", server_id)
            if known is not None:
                self._pool.write("disks", server_id, known["disks"])
                operation.halfway()
                local = self._simulation.read("disks", server_id) or {}
                files = {name: disk for name, disk in local.items() if not disk.get("in_pool")}
                self._simulation.write("disks", server_id, files)
                self._note(server_id, known["disks"])
                self._pool.remove("kept", server_id)

    def forget_kept(self, server_id: str) -> None:
        super().forget_kept(server_id)
        self._pool.remove("kept", server_id)

    def list_kept(self) -> tuple[str, ...]:
        return tuple(name for name, host in self.kept_in_pool().items() if host == self._simulation.host)

    def kept_in_pool(self) -> dict[str, str]:
        with self._simulation.operation("list_kept"):
            known = ((name, self._pool.read("kept", name)) for name in self._pool.names("kept"))
            return {name: str(record["host"]) for name, record in known if record}

    def unpack_root(self, server_id: str, image: CachedImage, size_gib: int, stop: Event) -> None:
        self._disk("unpack_root", server_id, Disk(self._path(server_id, "root"), "raw", size_gib * _GIB))

    def grow_disk(self, server_id: str, name: str, size_gib: int) -> None:
        super().grow_disk(server_id, name, size_gib)
        there = self._there(server_id)
        there[name] = (self._simulation.read("disks", server_id) or {})[name]
        self._pool.write("disks", server_id, there)

    def _there(self, server_id: str) -> Records:
        return self._pool.read("disks", server_id) or {}

    def _note(self, server_id: str, disks: Records) -> None:
        self._simulation.write("disks", server_id, {**(self._simulation.read("disks", server_id) or {}), **disks})

    def _disk(self, op: str, server_id: str, disk: Disk) -> Disk:
        name = disk.path.rpartition("/")[2]
        if name not in ("root", "swap", "rescue") and not name.startswith("ephemeral"):  # files of the host
            return super()._disk(op, server_id, disk)
        with self._simulation.operation(op) as operation:
            local, there = self._simulation.read("disks", server_id) or {}, self._there(server_id)
            if name == "swap" and name not in there:
                local.pop(name, None)
            if name in local and name not in there:
                raise StorageUnavailable("A disk of the server is not in the pool.", details=local[name]["path"])
            if name in local:
                return Disk(**local[name])
            if disk.size_bytes <= 0:
                raise DiskTooSmall("The flavor has no such disk.", details=f"{name} of {disk.size_bytes} bytes")
            form: Literal["raw", "iso"] = "iso" if disk.format == "iso" else "raw"
            place = f"pool/{server_id}/{name}"
            made = replace(disk, path=place, format=form, backing_path=None, backing_format=None, in_pool=True)
            record = there.get(name) or asdict(made)
            self._pool.write("disks", server_id, {**there, name: record})
            operation.halfway()
            self._note(server_id, {name: record})
            return Disk(**record)
