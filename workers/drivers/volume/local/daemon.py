"""One qemu-storage-daemon for one volume: started, adopted, changed while it serves, ended.

The daemon is known by its pid file and by the path of its control socket on its command line. Both are in a directory
of the machine's life (/run): after a restart there is neither a daemon nor a file that names one.
"""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers.errors import Stopped
from workers.drivers.volume.errors import PoolUnavailable
from workers.drivers.volume.local import records
from workers.drivers.volume.local.qmp import CommandFailed, Control
from workers.drivers.volume.specs import ExportSpec, Listening
from workers.system import files, processes

PROGRAM = "qemu-storage-daemon"
QEMU_USERS = ("libvirt-qemu", "qemu")
_START_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 10.0
_JOB_TIMEOUT_S = 4 * 3600.0
_POLL_S = 0.1


class Daemon:
    """The daemon of one volume, running or not. `directory` is its own, `layers` that of the volume's files."""

    def __init__(self, directory: Path, layers: Path) -> None:
        """Remember the paths; nothing is touched."""
        self.directory, self.layers = directory, layers
        self.socket = directory / "nbd.sock"
        self.control = directory / "qmp.sock"
        self._pid_file = directory / "pid"
        self._notes = directory / "exports.json"
        self._changing = directory / "changing"

    def is_running(self) -> bool:
        """Say whether the daemon lives."""
        process = processes.read_pid_file(self._pid_file)
        return process is not None and process.is_running(self._mark)

    def wanted(self) -> tuple[ExportSpec, ...]:
        """Return the exports that are to be open, as noted when they were opened, also by a daemon that died."""
        data = files.read(self._notes)
        return tuple(_noted(item) for item in json.loads(data)) if data else ()

    def is_whole(self) -> bool:
        """Say whether it lives and has all its exports: while the volume grows they are closed for a moment."""
        return self.is_running() and not self._changing.exists()

    def want(self, exports: Sequence[ExportSpec]) -> None:
        """Note the exports that are to be open."""
        files.make_directory(self.directory, 0o711)
        files.write(self._notes, json.dumps([asdict(export) for export in exports]).encode())

    @property
    def _mark(self) -> str:
        """The argument by which the daemon is known."""
        return f"socket,id=control,path={self.control},server=on,wait=off"

    def start(self, chain: records.Chain, exports: Sequence[ExportSpec] = ()) -> None:
        """Start it with its exports: there is no moment at which its socket answers and an export is missing.

        Raises PoolUnavailable; then nothing runs.
        """
        files.make_directory(self.directory, 0o711)
        for path in (self.socket, self.control, self._pid_file, self._changing):
            path.unlink(missing_ok=True)
        argv = [PROGRAM, "--chardev", self._mark, "--monitor", "chardev=control", "--pidfile", str(self._pid_file)]
        for node in self._nodes(chain):
            argv += ["--blockdev", json.dumps(node)]
        if exports:
            argv += ["--nbd-server", f"addr.type=unix,addr.path={self.socket}"]
        for export in exports:
            argv += ["--export", json.dumps(_export(export, _node(chain[0])))]
        try:
            processes.run([*argv, "--daemonize"], timeout_s=_START_TIMEOUT_S)
        except processes.ProcessError as error:
            self.stop()  # it may have left its process group before the time was over
            details = error.details or error.message
            raise PoolUnavailable("The host could not export the volume.", details=details) from error
        if exports:
            give_to_qemu(self.socket)

    def stop(self) -> None:
        """End it; its notes stay. Not running is success."""
        process = processes.read_pid_file(self._pid_file)
        if process is not None:
            process.end(self._mark, _END_TIMEOUT_S)

    def end(self) -> None:
        """End it, and remove its directory. Not running is success."""
        self.stop()
        with suppress(OSError):
            files.remove_tree(self.directory)

    def heal(self, layer: str) -> None:
        """Open those of the wanted exports that it has not, on the layer that it writes to."""
        with Control(self.control) as control:
            present = _exports(control)
            for export in self.wanted():
                if export.name not in present:
                    control.run("block-export-add", _export(export, _node(layer)))
        self._changing.unlink(missing_ok=True)
        give_to_qemu(self.socket)

    def remove(self, name: str) -> None:
        """Remove an export, its clients with it. Absent is success."""
        with Control(self.control) as control:
            if name in _exports(control):
                control.run("block-export-del", {"id": name, "mode": "hard"})
                _wait_without(control, name)

    def switch(self, layer: str) -> None:
        """Write to `layer`, an empty one on the present top, from now on. Clients notice nothing.

        It writes there already: success.
        """
        with Control(self.control) as control:
            top = _top(control)
            if _node(layer) == top:
                return
            known = _nodes_of(control)
            for node in self._nodes((layer,)):
                if node["node-name"] not in known:
                    control.run("blockdev-add", node)
            control.run("blockdev-snapshot", {"node": top, "overlay": _node(layer)})

    def resize(self, layer: str, size: int) -> None:
        """Make the top layer larger. No client may be connected meanwhile, so every export is closed for a moment.

        A mark says so: killed in between, the next operation, or recovery, opens them again.
        """
        if self.wanted():
            self._changing.touch()
        try:
            with Control(self.control) as control:
                for name in _exports(control):
                    control.run("block-export-del", {"id": name, "mode": "hard"})
                    _wait_without(control, name)
                control.run("block_resize", {"node-name": _node(layer), "size": size})
        finally:
            if self.wanted():
                self.heal(layer)

    def merge(self, top: str, upper: str, lower: str, stop: Event | None = None) -> None:
        """Write the content of the layer `upper` into the one below it, take it out of the chain under `top`, close it.

        A merge that was cut short goes on in the daemon: it is waited for. A layer that left the daemon's chain was
        merged before. Raises Stopped.
        """
        job, node = f"merge-{_node(upper)}", _node(upper)
        with Control(self.control) as control:
            is_begun = job in {item["id"] for item in control.run("query-jobs")}
            if not is_begun and node in _below(control, _node(top)):
                arguments = {"job-id": job, "device": _node(top), "top-node": node, "base-node": _node(lower)}
                if upper != top:
                    arguments["backing-file"] = lower  # the header of the layer above is to name it
                control.run("block-commit", {**arguments, "auto-dismiss": False})
                is_begun = True
        if is_begun:
            self._finish(job, stop)
        with Control(self.control) as control:
            for name in (node, f"f{node}"):  # else the daemon would keep the file, and its space
                if name in _nodes_of(control):
                    control.run("blockdev-del", {"node-name": name})

    def _finish(self, job: str, stop: Event | None) -> None:
        """Wait until a job is over, with a connection for each look: others ask the daemon meanwhile."""
        deadline = time.monotonic() + _JOB_TIMEOUT_S
        is_cancelled = False
        while True:
            with Control(self.control) as control:
                known = next((item for item in control.run("query-jobs") if item["id"] == job), None)
                if known is None:
                    raise CommandFailed("The host could not change the volume.", details=f"the job {job} is gone")
                if known["status"] == "ready":  # it merged the layer that was written to: use the other one
                    control.run("job-complete", {"id": job})
                if known["status"] == "concluded":
                    control.run("job-dismiss", {"id": job})
                    if "error" not in known and not is_cancelled:
                        return
                    if is_cancelled:
                        raise Stopped("The operation was stopped.")
                    raise CommandFailed("The host could not change the volume.", details=f"{job}: {known['error']}")
                must_end = (stop is not None and stop.is_set()) or time.monotonic() > deadline
                if must_end and not is_cancelled and known["status"] == "running":
                    control.run("job-cancel", {"id": job})
                    is_cancelled = True
            time.sleep(_POLL_S)

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


def _noted(item: dict[str, Any]) -> ExportSpec:
    listening = item.get("listening")
    return ExportSpec(**{**item, "listening": Listening(**listening) if listening else None})


def _node(layer: str) -> str:
    """The name of a layer's node: QEMU allows 31 characters, and a letter first."""
    return f"n{layer.partition('.')[0]}"


def _export(export: ExportSpec, node: str) -> dict[str, Any]:
    return {"type": "nbd", "id": export.name, "name": export.name, "node-name": node, "writable": not export.readonly}


def _exports(control: Control) -> tuple[str, ...]:
    return tuple(item["id"] for item in control.run("query-block-exports") if not item["shutting-down"])


def _nodes_of(control: Control) -> set[str]:
    return {node["node-name"] for node in control.run("query-named-block-nodes", {"flat": True})}


def _below(control: Control, node: str) -> set[str]:
    """Return the names of a node and of all below it."""
    graph = control.run("x-debug-query-block-graph")
    names = {item["id"]: item["name"] for item in graph["nodes"]}
    below = {key for key, name in names.items() if name == node}
    while more := {edge["child"] for edge in graph["edges"] if edge["parent"] in below} - below:
        below |= more
    return {names[key] for key in below}


def _wait_without(control: Control, name: str) -> None:
    """An export goes once its requests have ended."""
    control.wait_until(lambda: name not in {item["id"] for item in control.run("query-block-exports")})


def _top(control: Control) -> str:
    """Return the node that is exported: the top layer's."""
    exports = control.run("query-block-exports")
    if not exports:
        raise PoolUnavailable("The volume is not exported.")
    return str(exports[0]["node-name"])


def give_to_qemu(path: Path) -> None:
    """Only QEMU's account and root may connect. An agent that is not root runs its guests as itself."""
    os.chmod(path, 0o600)
    for name in QEMU_USERS:
        with suppress(KeyError, PermissionError):
            account = pwd.getpwnam(name)
            os.chown(path, account.pw_uid, account.pw_gid)
            return
