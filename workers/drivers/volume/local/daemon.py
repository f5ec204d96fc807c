"""One qemu-storage-daemon for one volume: started, adopted, changed while it serves, ended.

The daemon is known by its pid file and by the path of its control socket on its command line. Both are in a directory
of the machine's life (/run): after a restart there is neither a daemon nor a file that names one.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workers.drivers.volume.errors import PoolUnavailable
from workers.drivers.volume.local import records
from workers.drivers.volume.local.qmp import Control
from workers.drivers.volume.specs import ExportSpec
from workers.system import files, processes

PROGRAM = "qemu-storage-daemon"
QEMU_USERS = ("libvirt-qemu", "qemu")
_START_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 10.0
_JOB_TIMEOUT_S = 3600.0


class Daemon:
    """The daemon of one volume, running or not. `directory` is its own, `layers` that of the volume's files."""

    def __init__(self, directory: Path, layers: Path) -> None:
        """Remember the paths; nothing is touched."""
        self.directory, self.layers = directory, layers
        self.socket = directory / "nbd.sock"
        self.control = directory / "qmp.sock"
        self._pid_file = directory / "pid"

    def is_running(self) -> bool:
        """Say whether the daemon lives."""
        process = processes.read_pid_file(self._pid_file)
        return process is not None and process.is_running(self._mark)

    def is_exporting(self) -> bool:
        """Say whether it lives and has an export. One without was left by an operation that was killed."""
        return self.is_running() and bool(self.exports())

    @property
    def _mark(self) -> str:
        """The argument by which the daemon is known."""
        return f"socket,id=control,path={self.control},server=on,wait=off"

    def start(self, chain: records.Chain, exports: Sequence[ExportSpec] = ()) -> None:
        """Start it with its exports: there is no moment at which its socket answers and an export is missing.

        Raises PoolUnavailable; then nothing runs.
        """
        files.make_directory(self.directory, 0o711)
        for path in (self.socket, self.control, self._pid_file):
            path.unlink(missing_ok=True)
        argv = [PROGRAM, "--chardev", self._mark, "--monitor", "chardev=control", "--pidfile", str(self._pid_file)]
        for node in self._nodes(chain):
            argv += ["--blockdev", json.dumps(node)]
        if exports:
            argv += ["--nbd-server", f"addr.type=unix,addr.path={self.socket}"]
        for export in exports:
            self._note(export)
            argv += ["--export", json.dumps(_export(export, _node(chain[0])))]
        try:
            processes.run([*argv, "--daemonize"], timeout_s=_START_TIMEOUT_S)
        except processes.ProcessError as error:
            details = error.details or error.message
            raise PoolUnavailable("The host could not export the volume.", details=details) from error
        if exports:
            _give_to_qemu(self.socket)

    def end(self) -> None:
        """End it, and remove its directory. Not running is success."""
        process = processes.read_pid_file(self._pid_file)
        if process is not None:
            process.end(self._mark, _END_TIMEOUT_S)
        with suppress(OSError):
            files.remove_tree(self.directory)

    def exports(self) -> tuple[str, ...]:
        """Return the names of its exports."""
        with Control(self.control) as control:
            return _exports(control)

    def add(self, export: ExportSpec) -> None:
        """Add an export to those it has."""
        with Control(self.control) as control:
            if export.name not in _exports(control):
                self._note(export)
                control.run("block-export-add", _export(export, _top(control)))

    def remove(self, name: str) -> bool:
        """Remove an export, its clients with it; return whether others are left."""
        with Control(self.control) as control:
            if name in _exports(control):
                control.run("block-export-del", {"id": name, "mode": "hard"})
                _wait_without(control, name)
            return bool(_exports(control))

    def switch(self, layer: str) -> None:
        """Write to `layer`, an empty one on the present top, from now on. Clients notice nothing.

        It writes there already: success.
        """
        with Control(self.control) as control:
            top = _top(control)
            if _node(layer) == top:
                return
            known = {node["node-name"] for node in control.run("query-named-block-nodes", {"flat": True})}
            for node in self._nodes((layer,)):
                if node["node-name"] not in known:
                    control.run("blockdev-add", node)
            control.run("blockdev-snapshot", {"node": top, "overlay": _node(layer)})

    def resize(self, layer: str, size: int) -> None:
        """Make the top layer larger. No client may be connected meanwhile, so every export is closed for a moment."""
        with Control(self.control) as control:
            closed = _exports(control)
            for name in closed:
                control.run("block-export-del", {"id": name, "mode": "hard"})
                _wait_without(control, name)
            try:
                control.run("block_resize", {"node-name": _node(layer), "size": size})
            finally:
                for name in closed:
                    control.run("block-export-add", _export(self._noted(name), _node(layer)))

    def merge(self, top: str, upper: str, lower: str) -> None:
        """Write the content of the layer `upper` into the one below it, and take it out of the chain under `top`."""
        with Control(self.control) as control:
            arguments = {"job-id": "merge", "device": _node(top), "top-node": _node(upper), "base-node": _node(lower)}
            if upper != top:
                arguments["backing-file"] = lower  # the header of the layer above is to name it
            control.run("block-commit", {**arguments, "auto-dismiss": False})
            control.finish_job("merge", _JOB_TIMEOUT_S)

    def _note(self, export: ExportSpec) -> None:
        """Keep which exports are read-only: QMP does not say."""
        mark = self.directory / f"{export.name}.readonly"
        if export.readonly:
            mark.touch(0o600)
        else:
            mark.unlink(missing_ok=True)

    def _noted(self, name: str) -> ExportSpec:
        return ExportSpec(name, readonly=(self.directory / f"{name}.readonly").exists())

    def _nodes(self, chain: records.Chain) -> list[dict[str, Any]]:
        """The block nodes of a chain, the lowest first. The formats are ours, and no header says what is below."""
        nodes: list[dict[str, Any]] = []
        below: str | None = None
        for layer in reversed(chain):
            file, common = f"f{_node(layer)}", {"discard": "unmap"}
            # A file is opened for writing once its node is: to merge layers, a lower one is for a while.
            opened = {"driver": "file", "filename": str(self.layers / layer), "auto-read-only": True}
            nodes.append({**opened, "node-name": file, **common})
            node: dict[str, Any] = {"driver": records.format_of(layer), "node-name": _node(layer), "file": file}
            node |= {"read-only": layer != chain[0], **common}
            if node["driver"] == "qcow2":
                node["backing"] = below
            nodes.append(node)
            below = _node(layer)
        return nodes


def _node(layer: str) -> str:
    """The name of a layer's node: QEMU allows 31 characters, and a letter first."""
    return f"n{layer.partition('.')[0]}"


def _export(export: ExportSpec, node: str) -> dict[str, Any]:
    return {"type": "nbd", "id": export.name, "name": export.name, "node-name": node, "writable": not export.readonly}


def _exports(control: Control) -> tuple[str, ...]:
    return tuple(item["id"] for item in control.run("query-block-exports") if not item["shutting-down"])


def _wait_without(control: Control, name: str) -> None:
    """An export goes once its requests have ended."""
    control.wait_until(lambda: name not in {item["id"] for item in control.run("query-block-exports")})


def _top(control: Control) -> str:
    """Return the node that is exported: the top layer's."""
    exports = control.run("query-block-exports")
    if not exports:
        raise PoolUnavailable("The volume is not exported.")
    return str(exports[0]["node-name"])


def _give_to_qemu(path: Path) -> None:
    """Only QEMU's account and root may connect. An agent that is not root runs its guests as itself."""
    os.chmod(path, 0o600)
    for name in QEMU_USERS:
        with suppress(KeyError, PermissionError):
            account = pwd.getpwnam(name)
            os.chown(path, account.pw_uid, account.pw_gid)
            return
