"""Relays: qemu-storage-daemons that carry an export to another host, over mutual TLS.

On the volume's host a relay is a client of the volume's daemon. It listens on a TCP port while the export is open, and
lets one host in, by its certificate. On that host another relay connects to it, and is a unix socket for the guest, as
the volume's own daemon is at home. So no certificate is readable for QEMU's account, a domain looks the same wherever
its volumes are, and a short loss of the connection is waited out: libvirt 9.0 cannot ask QEMU for that.

A relay is known by its pid file on its command line, and notes what it was started for.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workers.drivers.volume.errors import PoolUnavailable, PortTaken
from workers.drivers.volume.local.daemon import PROGRAM, give_to_qemu
from workers.drivers.volume.specs import ExportSpec, Listening, RemoteExport
from workers.system import files, processes
from workers.system.pki.groups import FFDHE2048

RECONNECT_S = 10  # so long a guest's requests wait for a storage host that went away; then they fail
REACHED_S = 3.0
_START_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 5.0
_NODE = "volume"


class Relay:
    """A relay in its own directory, running or not."""

    def __init__(self, directory: Path) -> None:
        """Remember the paths; nothing is touched."""
        self.directory = directory
        self.socket = directory / "nbd.sock"
        self._pid_file = directory / "pid"
        self._note = directory / "relay.json"

    def is_running(self) -> bool:
        """Say whether it lives."""
        process = processes.read_pid_file(self._pid_file)
        return process is not None and process.is_running(str(self._pid_file))

    def note(self) -> dict[str, Any] | None:
        """Return what it was started for; None: it was not."""
        data = files.read(self._note)
        return json.loads(data) if data else None

    def serve(self, note: Mapping[str, Any], arguments: Sequence[str], *, mode: int = 0o700) -> None:
        """Have it run with arguments, for `note`: one that runs for just that is left alone.

        Raises PoolUnavailable, PortTaken; then nothing runs.
        """
        if self.is_running() and self.note() == dict(note):
            return
        self.end()
        files.make_directory(self.directory, mode)
        try:
            argv = [PROGRAM, "--pidfile", str(self._pid_file), *arguments, "--daemonize"]
            processes.run(argv, timeout_s=_START_TIMEOUT_S)
        except processes.ProcessError as error:
            self.end()
            details = error.details or error.message
            kind = PortTaken if "Address already in use" in details else PoolUnavailable
            raise kind("The volume's export could not be carried between the hosts.", details=details) from error
        files.write(self._note, json.dumps(dict(note)).encode())

    def end(self) -> None:
        """End it, and remove its directory. Not running is success."""
        process = processes.read_pid_file(self._pid_file)
        if process is not None:
            process.end(str(self._pid_file), _END_TIMEOUT_S)
        with suppress(OSError):
            files.remove_tree(self.directory)


class Credentials:
    """This host's certificate, as QEMU wants it: a directory of files with fixed names."""

    def __init__(self, pki: Path | None, directory: Path) -> None:
        """`pki`: what the host's certificate is in. Nothing is touched."""
        self._pki, self._directory = pki, directory

    def prepare(self) -> int:
        """Have the directory, and return when the certificate was written. Raises PoolUnavailable without one."""
        pair = self._pki / "host.pem" if self._pki is not None else None
        if self._pki is None or pair is None or not pair.exists():
            raise PoolUnavailable(
                "The host has no certificate of the cloud, without which no volume is used from another host.",
                details=str(pair),
            )
        files.make_directory(self._directory, 0o700)
        targets = {"ca-cert.pem": self._pki / "authority.pem"}
        targets |= {f"{end}-{part}.pem": pair for end in ("server", "client") for part in ("cert", "key")}
        for name, target in targets.items():
            link = self._directory / name
            if not link.is_symlink() or link.readlink() != target:
                link.unlink(missing_ok=True)
                link.symlink_to(target)
        group = self._directory / "dh-params.pem"
        if not group.exists():
            files.write(group, FFDHE2048)
        return pair.stat().st_mtime_ns

    def option(self, endpoint: str) -> str:
        """The object of a command line that reads them."""
        where = _escaped(str(self._directory))
        return f"tls-creds-x509,id=tls,dir={where},endpoint={endpoint},verify-peer=on"


def listen(relay: Relay, credentials: Credentials, export: ExportSpec, listening: Listening, home: Path) -> None:
    """Have a relay listen for an export that is open at the socket `home`. Raises PoolUnavailable, PortTaken."""
    note = {"name": export.name, "readonly": export.readonly, "certificate": credentials.prepare()}
    note |= {"client": listening.client, "address": listening.address, "port": listening.port}
    node = {
        "driver": "nbd", "node-name": _NODE, "server": {"type": "unix", "path": str(home)}, "export": export.name,
        "read-only": export.readonly,
    }  # fmt: skip
    server = f"addr.type=inet,addr.host={listening.address},addr.port={listening.port},tls-creds=tls,tls-authz=peer"
    relay.serve(
        note,
        [
            "--object", credentials.option("server"),
            "--object", f"authz-simple,id=peer,identity=CN={listening.client}",
            "--blockdev", json.dumps(node),
            "--nbd-server", server,
            "--export", json.dumps(_export(export.name, export.readonly)),
        ],
    )  # fmt: skip


def reach(relay: Relay, credentials: Credentials, remote: RemoteExport) -> None:
    """Have a relay that is connected to another host's, with a unix socket for guests. Raises PoolUnavailable."""
    note = noted(remote) | {"certificate": credentials.prepare()}
    check_reachable(remote)
    node = {
        "driver": "nbd", "node-name": _NODE, "export": remote.name, "read-only": remote.readonly,
        "server": {"type": "inet", "host": remote.address, "port": str(remote.port), "keep-alive": True},
        "tls-creds": "tls", "tls-hostname": remote.host, "reconnect-delay": RECONNECT_S,
    }  # fmt: skip
    relay.serve(
        note,
        [
            "--object", credentials.option("client"),
            "--blockdev", json.dumps(node),
            "--nbd-server", f"addr.type=unix,addr.path={_escaped(str(relay.socket))}",
            "--export", json.dumps(_export(remote.name, remote.readonly)),
        ],
        mode=0o711,
    )  # fmt: skip
    give_to_qemu(relay.socket)


def noted(remote: RemoteExport) -> dict[str, Any]:
    """What a connection's relay notes."""
    return {name: getattr(remote, name) for name in RemoteExport.__dataclass_fields__}


def check_reachable(remote: RemoteExport) -> None:
    """Raise PoolUnavailable where nothing answers: QEMU would wait for it for minutes."""
    try:
        socket.create_connection((remote.address, remote.port), timeout=REACHED_S).close()
    except OSError as error:
        raise PoolUnavailable(
            f"The host {remote.host}, which has the volume, does not answer.",
            details=f"{remote.address}:{remote.port}: {error}",
        ) from error


def _export(name: str, readonly: bool) -> dict[str, Any]:
    return {"type": "nbd", "id": name, "name": name, "node-name": _NODE, "writable": not readonly}


def _escaped(text: str) -> str:
    """Text in an option of QEMU's, where a comma ends a value."""
    return text.replace(",", ",,")
