"""Every difference between rows, and between rows and hosts. An idle, healthy cloud has none.

Rules, each a comparison of sets:
  usage of an owner                = what its servers count (+ what is reserved for open runs)
  reservations                     = consumers with an open run
  used capacity of a host          = sum of its allocations
  allocations                      = servers and volumes that are placed, or being made
  bound ports                      = servers that are there, on the same host
  servers with a task              = servers with an open run
  volumes with a task              = volumes with an open run
  files of volumes on a host       = volumes whose rows are on that host
  keys                             = encrypted volumes and backups that are there
  keys that a hypervisor has       = encrypted volumes that are attached on its host
  exports on a host                = attachments that are open there, or that other hosts have from it
  rows of further subjects         = runs that are open
  contents of images               = files in the image store, of the recorded size
  images that a run is to fill     = runs that are open
  disks in a pool of all hosts     = servers that are on a host
  domains, files on a host         = servers whose rows are on that host; none without its files
  disks kept on a host             = servers that may come back to it: migrations to be confirmed
  snapshots on a host              = servers with an open run
  plugged ports, taps, DHCP        = bound ports, and what these need
  what a host's switch got         = what it understood
  cached images                    = what was verified
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from apps.compute import states
from apps.compute.selectors import migrations, servers, volume_attachments
from apps.images.selectors import blobs as blob_selectors
from apps.images.selectors import images as image_selectors
from apps.networking.selectors import bindings
from apps.operations.consistency import rows
from apps.quotas.services import verification
from apps.volumes import states as volume_states
from apps.volumes.selectors import attachments, exports, volume_keys, volumes
from apps.volumes.services import volume_keys as key_services
from apps.workflow.selectors import runs
from workers.config import HostDrivers
from workers.engine.subjects import BACKUP, SERVER, VOLUME
from workers.mapping import moves, networks
from workers.mapping import volumes as mapping

_SWEPT_SECONDS = 300  # beat removes the key of a deleted image within a minute


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """``kind`` names the rule, ``what`` the thing, ``details`` both sides of the difference."""

    kind: str
    what: str
    details: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def of_rows() -> Iterator[Inconsistency]:
    """Compare the rows with each other."""
    yield from _of_quotas()
    yield from _of_runs()
    yield from _of_key_rows()
    for name, used, allocated in rows.miscounted():
        yield Inconsistency("inventory", name, f"used {used}, allocated {allocated}")
    for allocation in rows.misplaced():
        details = f"on {allocation.host}; server or volume exists: {allocation.exists}, on {allocation.consumer_host!r}"
        yield Inconsistency("allocation", str(allocation.consumer_id), details)
    for server, host in [*rows.unallocated(), *rows.unallocated_volumes()]:
        yield Inconsistency("allocation", str(server), f"on {host} without an allocation")
    for stray in rows.strays():
        there = "does not exist" if stray.server_host is None else f"is on {stray.server_host!r}"
        yield Inconsistency("port", str(stray.server_id), f"bound on {stray.port_host!r}; its server {there}")
    for sha512, details in blob_selectors.damaged():
        yield Inconsistency("image", sha512[:64], details)
    for image_id in _unfilled():
        yield Inconsistency("image", str(image_id), "it waits for the data of a run that is over")


def _unfilled() -> list[uuid.UUID]:
    """Return the images whose data was to come from a run that is over."""
    waiting = list(image_selectors.unfilled().values_list("id", "filled_by"))
    active = runs.tokens(run_ids=[run for _, run in waiting if run]) if waiting else {}
    return [image_id for image_id, run in waiting if run not in active]


def _of_quotas() -> Iterator[Inconsistency]:
    quota = verification.verify()
    for difference in quota.differences:
        yield Inconsistency("quota", f"{difference.owner_id} {difference.resource}", str(difference))
    for orphan in quota.orphans:
        yield Inconsistency("reservation", str(orphan), "its consumer does not exist")
    for consumer in rows.unsettled():
        yield Inconsistency("reservation", str(consumer), "no run is open for it")


def _of_runs() -> Iterator[Inconsistency]:
    for stuck in rows.stuck():
        details = f"{stuck.vm_state}, task {stuck.task_state or 'none'}, and no run is open"
        yield Inconsistency("server", str(stuck.server_id), details)
    for volume, status in rows.stuck_volumes():
        yield Inconsistency("volume", str(volume), f"{status}, and no run is open")
    for volume, host in rows.undecided_moves():
        yield Inconsistency("volume", str(volume), f"no run moves it, and {host} has not said which copy its guest has")
    for volume, host in rows.undecided_swaps():
        yield Inconsistency("volume", str(volume), f"no run swaps it, and {host} has not said whether its guest has it")
    for snapshot, status in rows.stuck_snapshots():
        yield Inconsistency("snapshot", str(snapshot), f"{status}, and no run is open")
    for backup, status in rows.stuck_backups():
        yield Inconsistency("backup", str(backup), f"{status}, and no run is open")
    for run in runs.orphans():
        yield Inconsistency("run", str(run.id), f"keeps {run.subject_id}, and its leading run is over")


def _of_key_rows() -> Iterator[Inconsistency]:
    for volume_id in volume_keys.missing():
        yield Inconsistency("volume_key", str(volume_id), "encrypted by its row, and has no key")
    for key in key_services.unreadable():
        yield Inconsistency("volume_key", str(key), "the cloud's volume keys do not open it")
    for owner in volume_keys.left(seconds=_SWEPT_SECONDS):
        yield Inconsistency("volume_key", str(owner), "deleted, or not encrypted, and has a key")


def of_host(drivers: HostDrivers) -> Iterator[Inconsistency]:
    """Compare one host with its rows; servers with an open run are left out: they are on their way."""
    yield from _of_servers(drivers)
    yield from _of_ports(drivers)
    yield from _of_volumes(drivers)
    for text in (
        *drivers.network.residue(remove=False),
        *drivers.storage.residue(remove=False),
        *drivers.volume.residue(remove=False),
    ):
        yield Inconsistency("residue", text, f"no record on {drivers.host} names it")
    for text in drivers.network.complaints():
        yield Inconsistency("network", drivers.host, text)
    for sha512 in drivers.storage.damaged_images():
        yield Inconsistency("cache", sha512[:64], f"differs from the image verified on {drivers.host}, or gone")


def _of_kept(drivers: HostDrivers, left: Mapping[str, bool]) -> Iterator[Inconsistency]:
    for server_id in drivers.storage.list_kept():
        if moves.is_over(drivers.storage, left, server_id) and not _is_at_work(server_id):
            yield Inconsistency("files", server_id, f"its disks of before a resize are on {drivers.host}: it is over")


def _of_servers(drivers: HostDrivers) -> Iterator[Inconsistency]:
    domains = {info.id: str(info.power_state) for info in drivers.hypervisor.list_domains()}
    files = set(drivers.storage.list_servers())
    wanted = {str(server.id): server for server in servers.on_host(host=drivers.host)}
    left = migrations.left_on(host=drivers.host)
    yield from _of_kept(drivers, left)
    for kind, there in (("domain", set(domains)), ("files", files - set(left))):
        for server_id in sorted(there - set(wanted)):
            if not _is_at_work(server_id):
                yield Inconsistency(kind, server_id, f"on {drivers.host}, but no server of that host has this id")
    for server_id in drivers.storage.list_snapshots():
        if not _is_at_work(server_id):
            yield Inconsistency("snapshot", server_id, f"a snapshot of it is on {drivers.host}, and no run is open")
    yield from _of_pool(drivers)
    for server_id, server in wanted.items():
        if server.task_state or server.vm_state not in states.SETTLED:
            continue
        if states.vm_state_of(domains.get(server_id), server.vm_state) != server.vm_state:
            details = f"{server.vm_state} by its row, {domains.get(server_id)} on {drivers.host}"
            yield Inconsistency("power", server_id, details)
        if server_id not in files:
            details = f"{server.vm_state} by its row, and none of its files are on {drivers.host}"
            yield Inconsistency("files", server_id, details)


def _of_pool(drivers: HostDrivers) -> Iterator[Inconsistency]:
    """Compare the disks in a pool of all hosts with the servers that are on any."""
    for server_id in drivers.storage.list_disks():
        row = servers.load(server_id=uuid.UUID(server_id))
        if (row is None or not row.host) and not _is_at_work(server_id) and drivers.storage.owns_disks(server_id):
            yield Inconsistency("disks", server_id, "disks in the pool, and the server is on no host")
    for server_id in drivers.storage.missing_disks():
        row = servers.load(server_id=uuid.UUID(server_id))
        if row is not None and row.host == drivers.host and not _is_at_work(server_id):
            yield Inconsistency("disks", server_id, f"on {drivers.host} by its files, and a disk is not in the pool")


def _of_volumes(drivers: HostDrivers) -> Iterator[Inconsistency]:
    wanted = {str(volume.id): volume for volume in volumes.on_host(host=drivers.host)}
    there = {info.id for info in drivers.volume.list_volumes(wanted) if not info.shared or info.id in wanted}
    for volume_id in sorted(there - set(wanted)):
        if not _is_worked_on(volume_id):
            yield Inconsistency("volume", volume_id, f"on {drivers.host}, but no volume of that host has this id")
    for volume_id, volume in wanted.items():
        if volume_id not in there and volume.status in volume_states.READABLE:
            yield Inconsistency("volume", volume_id, f"{volume.status} by its row, and not on {drivers.host}")
    yield from _of_exports(drivers)
    yield from _of_keys(drivers)


def _of_keys(drivers: HostDrivers) -> Iterator[Inconsistency]:
    rows = [row for row in attachments.on_host(host=drivers.host) if row.by_compute and row.volume.encrypted]
    for volume_id in sorted(set(drivers.hypervisor.kept_keys()) - {str(row.volume_id) for row in rows}):
        if not _is_worked_on(volume_id) and not any(
            _is_at_work(str(key)) for key in volume_attachments.servers_of(volume_id=uuid.UUID(volume_id))
        ):
            yield Inconsistency(
                "volume_key", volume_id, f"{drivers.host} has its key, and no attachment there needs it"
            )


def _of_exports(drivers: HostDrivers) -> Iterator[Inconsistency]:
    open_here = drivers.volume.list_exports()
    opened = {(export.volume_id, export.name) for export in open_here if export.listening is None}
    rows = [row for row in attachments.on_host(host=drivers.host) if row.by_compute]
    named = {(str(row.volume_id), mapping.export_spec(row).name) for row in rows}
    for volume_id, _ in sorted(opened - named):
        if _is_worked_on(volume_id):
            continue
        yield Inconsistency("export", volume_id, f"open on {drivers.host}, and no attachment there has it")
    listening = {(export.volume_id, export.name) for export in open_here if export.listening is not None}
    wanted = {
        (str(row.attachment.volume_id), f"e{row.name}"): row for row in exports.of_storage_host(host=drivers.host)
    }
    for volume_id, _ in sorted(listening - set(wanted)):
        yield Inconsistency("export", volume_id, f"open on {drivers.host} for another host that is not to have it")
    for (volume_id, _), row in sorted(wanted.items()):
        if row.opened_at is not None and (volume_id, f"e{row.name}") not in listening:
            yield Inconsistency("export", volume_id, f"not open on {drivers.host}, and {row.host} is to have it")
    owners = {str(row.id) for row in rows}
    for connection in drivers.volume.list_connections():
        if connection.owner not in owners:
            details = f"{drivers.host} is connected to it, and no attachment there has it"
            yield Inconsistency("export", connection.volume_id, details)


def _is_worked_on(volume_id: str) -> bool:
    """Whether a run works on the volume, or on the backup whose clone this is."""
    key = uuid.UUID(volume_id)
    return any(runs.has_active(subject_type=subject.name, subject_id=key) for subject in (VOLUME, BACKUP))


def _is_at_work(server_id: str) -> bool:
    return runs.has_active(subject_type=SERVER.name, subject_id=uuid.UUID(server_id))


def _of_ports(drivers: HostDrivers) -> Iterator[Inconsistency]:
    plugged = {port.id: port.tap for port in drivers.network.list_ports()}
    domains = {info.id: str(info.power_state) for info in drivers.hypervisor.list_domains()}
    bound = bindings.specs_for_host(host=drivers.host)
    for port_id in sorted(set(plugged) - {str(facts.id) for facts in bound}):
        yield Inconsistency("port", port_id, f"plugged on {drivers.host} as {plugged[port_id]}, but not bound to it")
    here = [networks.port_spec(facts) for facts in bound if str(facts.id) in plugged]
    for port_id, fault in drivers.network.faults(here).items():
        yield Inconsistency("port", port_id, f"{fault} on {drivers.host}")
    for facts in bound:
        missing = str(facts.id) not in plugged and networks.is_expected(drivers, domains, facts)
        if missing and not _is_at_work(facts.server_id):
            yield Inconsistency("port", str(facts.id), f"bound to {drivers.host}, but not plugged there")
