"""The guests' ports of a host, one file each: from them the host's metadata process knows who asks."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workers.drivers import values
from workers.drivers.network.base import PortSpec
from workers.system import files


@dataclass(frozen=True, slots=True)
class KnownPort:
    """A port that may ask. `mtu` is its network's, in bytes."""

    id: str
    network_id: str
    server_id: str
    mac: str
    addresses: tuple[str, ...]
    mtu: int


class KnownPorts:
    """The files of one host. They are there from the allocation of a port's addresses until its release."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def record(self, port: PortSpec) -> None:
        """Have a port as it is now. A port that no server has is nobody's."""
        if not port.server_id:
            return
        data = _data(port)
        if files.read(self._path(port.id)) != data:
            files.make_directory(self.directory, 0o700)
            files.write(self._path(port.id), data)

    def is_recorded(self, port: PortSpec) -> bool:
        """Return whether a port is recorded as it is now; one that no server has need not be."""
        return not port.server_id or files.read(self._path(port.id)) == _data(port)

    def forget(self, port_id: str) -> None:
        """Absent is success."""
        with suppress(FileNotFoundError):
            self._path(port_id).unlink()

    def ids(self) -> frozenset[str]:
        """Return the ids of all recorded ports."""
        return frozenset(path.stem for path in self.directory.glob("*.json"))

    def read(self) -> list[KnownPort]:
        """All ports. A file that is none, or is gone by now, is left out."""
        return [port for path in self.directory.glob("*.json") if (port := _parse(files.read(path))) is not None]

    def _path(self, port_id: str) -> Path:
        values.check_uuid(port_id, "a port's id")
        return self.directory / f"{port_id}.json"


def _data(port: PortSpec) -> bytes:
    known = KnownPort(
        id=port.id,
        network_id=port.network_id,
        server_id=port.server_id,
        mac=port.mac,
        addresses=tuple(fixed.ip for fixed in port.fixed_ips),
        mtu=port.mtu,
    )
    return json.dumps(asdict(known)).encode()


def _parse(data: bytes | None) -> KnownPort | None:
    try:
        document: dict[str, Any] = json.loads(data or b"")
        return KnownPort(**{**document, "addresses": tuple(document["addresses"])})
    except (ValueError, TypeError, KeyError):
        return None
