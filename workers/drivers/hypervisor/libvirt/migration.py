"""libvirt's live migration, from daemon to daemon, through sockets that lead to the destination.

The source's libvirtd connects to the destination's by a door, and so do its QEMU's memory and disks. The guest arrives
paused (VIR_MIGRATE_PAUSED): if the last answer is lost, the source lets it run again, and the copy there is paused
still. So it never runs twice. Only once the source has forgotten the guest, it is resumed there.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libvirt
import libvirt_qemu
from lxml import etree

from workers.drivers.errors import Stopped
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.hypervisor.errors import MigrationFailed
from workers.drivers.hypervisor.libvirt import domains, placement
from workers.drivers.hypervisor.libvirt.failures import is_absent, is_invalid_now
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.libvirt.xml.metadata import NAMESPACE
from workers.drivers.hypervisor.migration import Migrated, MigrationOptions, OnProgress, Progress
from workers.drivers.hypervisor.specs import ExportSource, Placement
from workers.system import files
from workers.system.peers.client import Doors, Peer
from workers.system.peers.errors import PeerError

DIRECTORY = Path("/run/celerity-migrations")
_QEMU_OWNS = Path("/var/lib/libvirt/qemu")  # libvirt gives it to the account that guests run as
_POLL_S = 0.1
_FAILED = "The hypervisor could not move the server."
_FLAGS = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_PEER2PEER
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    | libvirt.VIR_MIGRATE_ABORT_ON_ERROR
    | libvirt.VIR_MIGRATE_PAUSED
)


def directory(server_id: str) -> Path:
    """Return where the sockets of a server's migration are, on both hosts: libvirt has one path for both."""
    return DIRECTORY / server_id


def make_directory(server_id: str) -> None:
    """Have the directory, where QEMU may make its sockets."""
    files.make_directory(DIRECTORY, 0o711)
    files.make_directory(directory(server_id), 0o711)
    with suppress(OSError):
        owner = _QEMU_OWNS.stat()
        os.chown(directory(server_id), owner.st_uid, owner.st_gid)


@contextmanager
def reaching(peer: Peer, server_id: str) -> Iterator[None]:
    """Have sockets that lead to the destination for the block."""
    make_directory(server_id)
    home = directory(server_id)
    try:
        with Doors(peer, server_id, {str(home / part): part for part in ("hypervisor", "memory", "disks")}):
            yield
    except PeerError as error:
        raise MigrationFailed(error.message, details=error.details) from error
    finally:
        files.remove_tree(home)


def uri(server_id: str) -> str:
    """Return the address of the destination's libvirt, while it can be reached."""
    return f"qemu+unix:///system?socket={directory(server_id) / 'hypervisor'}"


@contextmanager
def there(server_id: str) -> Iterator[libvirt.virConnect]:
    """Give a connection to the destination's libvirt."""
    connection = libvirt.open(uri(server_id))
    try:
        connection.setKeepAlive(5, 3)
        yield connection
    finally:
        with suppress(libvirt.libvirtError):
            connection.close()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is elsewhere on the destination: its directory, instead of this host's, and volumes, by their ids; the
    processors that its guests share, () for all, None where it is silent on that.
    """

    here: str
    there: str
    volumes: Mapping[str, ExportSource] = field(default_factory=dict)
    shared_cpus: tuple[int, ...] | None = None


def moved_xml(text: str, arrival: Arrival, placed: Placement | None = None) -> str:
    """Return a domain's XML as the destination has it: its files and its mark below another directory, the sockets of
    its volumes, and its processors there.
    """
    root, here, there = parse(text), arrival.here, arrival.there
    for disk in root.iterfind("devices/disk[@type='network']"):
        if disk.find("source").get("protocol") == "rbd":  # the same from every host
            continue
        export = arrival.volumes.get(str(disk.findtext("serial")))
        if export is None:
            raise MigrationFailed("The destination has not all volumes of the server.", details=disk.findtext("serial"))
        disk.find("source").set("name", export.name)
        disk.find("source/host").set("socket", export.socket)
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if value == here and element.tag.startswith(f"{{{NAMESPACE}}}"):
                element.set(name, there)
            elif value.startswith(f"{here}/"):
                element.set(name, there + value[len(here) :])
    for graphics in root.iterfind(
        "devices/graphics"
    ):  # libvirt names this socket itself, in the domain's own directory
        for element in (graphics, *graphics.iterfind("listen")):
            element.attrib.pop("socket", None)
    placement.carry_over(root, placed, arrival.shared_cpus)
    return etree.tostring(root, encoding="unicode")


def copied_disks(text: str) -> list[str]:
    """Return the targets of the disks that are files and can be written."""
    disks = parse(text).iterfind("devices/disk[@type='file'][@device='disk']")
    return [str(disk.find("target").get("dev")) for disk in disks if disk.find("readonly") is None]


def run(
    domain: libvirt.virDomain,
    arrival: Arrival,
    options: MigrationOptions,
    progress: OnProgress,
    stop: threading.Event,
) -> None:
    """Move the guest. Lets libvirtError through."""
    server_id = domain.UUIDString()
    live = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
    text = domain.XMLDesc(live)
    home = directory(server_id)
    parameters: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{home / 'memory'}",
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: moved_xml(text, arrival, options.placement),
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: moved_xml(
            domain.XMLDesc(live | libvirt.VIR_DOMAIN_XML_INACTIVE), arrival, options.placement
        ),
    }
    flags = _FLAGS
    if disks := copied_disks(text):
        flags |= libvirt.VIR_MIGRATE_NON_SHARED_INC
        parameters[libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS] = disks
        parameters[libvirt.VIR_MIGRATE_PARAM_DISKS_URI] = f"unix://{home / 'disks'}"
    if options.bandwidth_mib:
        parameters[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = options.bandwidth_mib
    if options.auto_converge:
        flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
    if domains.power_state(domain) == PowerState.PAUSED:
        hold_disks(domain)
    with suppress(libvirt.libvirtError):
        domain.migrateSetMaxDowntime(options.downtime_ms)
    _watched(domain, lambda: domain.migrateToURI3(uri(server_id), parameters, flags), progress, stop)


def _watched(domain: libvirt.virDomain, work: Any, progress: OnProgress, stop: threading.Event) -> None:
    """Do the work on another thread, tell how far it is, and abort it when `stop` is set."""
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=migrate, name="libvirt-migrate", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(_POLL_S)
            if stop.is_set():
                abort(domain)
            elif worker.is_alive():
                progress(_progress(domain))
    except BaseException:  # the doors close behind this: nothing may be on its way through them
        while worker.is_alive():
            abort(domain)
            worker.join(_POLL_S)
        raise
    if not failures:
        return
    if stop.is_set():
        raise Stopped("The migration was stopped.", details=str(failures[0])) from failures[0]
    raise failures[0]


def _progress(domain: libvirt.virDomain) -> Progress:
    try:
        known = domain.jobStats()
    except libvirt.libvirtError:
        return Progress()
    names = ("memory_total", "memory_processed", "memory_remaining", "disk_total", "disk_processed", "disk_remaining")
    return Progress(**{name: int(known.get(name, 0)) for name in names})


def abort(domain: libvirt.virDomain) -> None:
    """End the migration under way. None is success."""
    with suppress(libvirt.libvirtError):
        domain.abortJob()


def force(domain: libvirt.virDomain) -> None:
    """End the migration soon: pause the guest, which then writes no more."""
    try:
        if is_leaving(domain):
            domain.suspend()
    except libvirt.libvirtError as error:
        if not (is_absent(error) or is_invalid_now(error)):
            raise


def is_leaving(domain: libvirt.virDomain) -> bool:
    """Say whether a job is under way."""
    return bool(domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE)


def end(domain: libvirt.virDomain, seconds: float) -> None:
    """Abort what a killed process left under way, and wait until it is over. Raises MigrationFailed."""
    deadline = time.monotonic() + seconds
    try:
        while is_leaving(domain):
            if time.monotonic() > deadline:
                raise MigrationFailed(_FAILED, details="an earlier migration does not end")
            abort(domain)
            time.sleep(_POLL_S)
    except libvirt.libvirtError as error:
        if not (is_absent(error) or is_invalid_now(error)):
            raise


def has_arrived(domain: libvirt.virDomain | None) -> bool:
    """Say whether the destination has all of the guest: libvirt makes it persistent with the last step."""
    return domain is not None and bool(domain.isPersistent()) and domains.is_active(domain)


def took(domain: libvirt.virDomain) -> Migrated:
    """Return what the migration took, as the destination's libvirt has it."""
    try:
        known = domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    except libvirt.libvirtError:
        return Migrated()
    return Migrated(total_ms=known.get("time_elapsed"), downtime_ms=known.get("downtime"))


def hold_disks(domain: libvirt.virDomain) -> None:
    """Let a paused guest that has arrived have its disks. Repeated, it gives the same.

    QEMU does that itself only once the guest runs, and dies of a further migration before (7.2: an assertion in
    bdrv_inactivate_recurse). It does it with an export of a disk, too. libvirt has no call for that.
    """
    socket = directory(domain.UUIDString()) / "held"
    make_directory(domain.UUIDString())
    known = _ask(domain, "query-block")
    with suppress(libvirt.libvirtError):  # of a process that was killed just here
        _ask(domain, "nbd-server-stop")
    _ask(domain, "nbd-server-start", addr={"type": "unix", "data": {"path": str(socket)}})
    try:
        for number, node in enumerate(item["inserted"]["node-name"] for item in known if item.get("inserted")):
            _ask(domain, "block-export-add", **{"type": "nbd", "id": f"held-{number}", "node-name": node})
    finally:
        _ask(domain, "nbd-server-stop")


def _ask(domain: libvirt.virDomain, command: str, **arguments: Any) -> Any:
    text = json.dumps({"execute": command, "arguments": arguments})
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0))
    if "error" in answer:
        raise libvirt.libvirtError(f"{command}: {answer['error'].get('desc')}")
    return answer["return"]


def wake(domain: libvirt.virDomain) -> None:
    """Let a guest run that has arrived. Running is success."""
    if domains.power_state(domain) == PowerState.PAUSED:
        domain.resume()
