"""The state that one pass of an agent compares: the host as listed, then the rows; and the report."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection

from apps.compute.selectors import migrations
from apps.compute.selectors import servers as selectors
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.network.base import PluggedPort
from workers.engine.subjects import BACKUP, SERVER, VOLUME
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.agent")


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """``domains`` maps ids to power states, ``plugged`` port ids to ports, ``rows`` server ids to servers.

    ``left``: servers of which this host keeps the disks of before a migration; whether they are on this host too.
    """

    drivers: HostDrivers
    report: FindingReport
    restarted: bool
    plugged: dict[str, PluggedPort]
    domains: dict[str, str]
    files: frozenset[str]
    rows: dict[str, Any]
    left: dict[str, bool]


def take_snapshot(drivers: HostDrivers, report: FindingReport, *, restarted: bool) -> HostSnapshot:
    """List the host, then read the rows."""
    plugged = {port.id: port for port in drivers.network.list_ports()}
    domains = {info.id: str(info.power_state) for info in drivers.hypervisor.list_domains()}
    files = frozenset(drivers.storage.list_servers())
    rows = {str(server.id): server for server in selectors.on_host(host=drivers.host)}
    left = migrations.left_on(host=drivers.host)
    return HostSnapshot(drivers, report, restarted, plugged, domains, files, rows, left)


def decide(
    snapshot: HostSnapshot, volume_id: uuid.UUID, *, kind: str, problem: str, unknown: str, follow: Callable[[], str]
) -> None:
    """Let the rows of a guest's volume follow the guest, and report it. ``follow`` returns what was done, "" where it
    cannot be known: ``unknown`` says what. An error keeps this server off, and no other.
    """
    try:
        done = follow()
    except DriverError as error:
        snapshot.report.remains(kind, volume_id, found=f"{problem}; {error.message}")
        return
    except Exception as error:
        if not connection.is_usable():
            raise
        log.warning("volume of a guest not decided", kind=kind, volume=str(volume_id), error=str(error)[:300])
        snapshot.report.remains(kind, volume_id, found=problem, done=f"failed: {error}"[:300])
        return
    if done:
        snapshot.report.repaired(kind, volume_id, found=problem, done=done)
    else:
        snapshot.report.remains(kind, volume_id, found=problem, done=f"left: {unknown}")


@contextmanager
def idle(drivers: HostDrivers, server_id: uuid.UUID) -> Iterator[bool]:
    """Hold the server's lease and the host's own lock on it for the block. Gives False if a step is running or a run is
    active.
    """
    with ExitStack() as stack:
        is_idle = stack.enter_context(leases.idle(subject_type=SERVER.name, subject_id=server_id))
        if is_idle:
            try:
                stack.enter_context(config.subjects.hold(config.lock_name(drivers.host, SERVER.name, server_id), 0))
            except LockTimeout:
                is_idle = False
        yield is_idle


@contextmanager
def idle_volume(volume_id: uuid.UUID) -> Iterator[bool]:
    """Hold the volume's lease for the block, and that of the backup with this ID, whose clone has no row. Gives False
    if a step is running or a run is active.
    """
    with (
        leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle,
        leases.idle(subject_type=BACKUP.name, subject_id=volume_id) as is_free,
    ):
        yield is_idle and is_free
