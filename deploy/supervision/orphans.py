"""Processes of a cloud whose supervisor was killed: found by the marks in their environment, and ended."""

import os
from pathlib import Path

import psutil

from deploy.environment import Environment
from deploy.front.nginx import Front
from deploy.supervision import programs

# Guests' processes outlive a host agent by design, and inherit its environment; dnsmasq is of clouds before OVN.
OUTLIVE = ("qemu", "dnsmasq")


def _is_marked(process: psutil.Process, state: Path) -> bool:
    try:
        variables = process.environ()
        return (
            variables.get("CELERITY_STATE_DIR") == str(state)
            and "SUPERVISOR_PROCESS_NAME" in variables
            and not process.name().startswith(OUTLIVE)
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def find(environment: Environment, supervisor_pid: int | None) -> list[psutil.Process]:
    """Return this cloud's processes that no living supervisor looks after.

    The supervisor marks its children by environment variables. PostgreSQL, Redis and nginx write over theirs, and are
    found by their pid files and directories.
    """
    processes = {p.pid: p for p in psutil.process_iter() if _is_marked(p, environment.state)}
    for server in (programs.postgresql(environment), programs.redis(environment)):
        if (pid := server.pid()) is not None:
            processes[pid] = psutil.Process(pid)
    processes |= {process.pid: process for process in Front(environment).left()}
    return [p for p in processes.values() if p.pid != os.getpid() and not _descends(p, supervisor_pid)]


def _descends(process: psutil.Process, ancestor: int | None) -> bool:
    try:
        return ancestor is not None and any(parent.pid == ancestor for parent in process.parents())
    except psutil.Error:
        return True
