"""Allocations: claims on hosts, and the servers and volumes on them.

Sets:
  claimed = consumers with an allocation, and its host
  placed  = idle servers and volumes whose rows are on a host, and that host
  used(h) = the usage in the inventory of host h
Rules:
  claimed - placed, no server or volume       -> released
  claimed and placed on different hosts       -> released, and claimed on the row's host
  placed - claimed                            -> claimed, whether or not it fits, because it is there; with processors
                                                 and memory cells if it is off; of another one they are unknown
                                                 until its next start, and its host gets no more such servers
  used(h) is not the sum of claimed on h      -> corrected
"""

import uuid
from typing import TYPE_CHECKING

from apps.compute import states
from apps.compute.selectors import request_specs
from apps.compute.selectors import servers as selectors
from apps.operations.consistency import rows
from apps.scheduling.services import allocations, inventories, topologies
from apps.scheduling.specs import RequestSpec
from apps.volumes import states as volume_states
from apps.volumes.selectors import pools, volumes
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.engine.subjects import SERVER, VOLUME

if TYPE_CHECKING:
    from apps.compute.models import Server

KIND = "allocation"
INVENTORY = "inventory"
UNKNOWN = (
    "; which processors or devices its guest has is known from its next start on: the host takes no others with any"
)
KINDS = (KIND, INVENTORY)


def reconcile(report: FindingReport) -> None:
    # Inventories first: releasing what was never counted would make usage negative, which PostgreSQL refuses.
    for host, used, allocated in rows.miscounted():
        if inventories.recount(host=host):
            amounts = f"vCPUs, MiB, GiB, servers: {used} used by the inventory, {allocated} in allocations"
            report.repaired(INVENTORY, host, found=amounts, done="counted anew")
    misplaced = rows.misplaced()
    for consumer_id in [
        *(allocation.consumer_id for allocation in misplaced if not allocation.is_volume),
        *(key for key, _ in rows.unallocated()),
    ]:
        _repair(report, consumer_id)
    for volume_id in [
        *(allocation.consumer_id for allocation in misplaced if allocation.is_volume),
        *(key for key, _ in rows.unallocated_volumes()),
    ]:
        _repair_volume(report, volume_id)


def _repair(report: FindingReport, consumer_id: uuid.UUID) -> None:
    with leases.idle(subject_type=SERVER.name, subject_id=consumer_id) as is_idle:
        server = selectors.load(server_id=consumer_id) if is_idle else None
        if not is_idle or (server is not None and server.vm_state == states.BUILDING):
            return
        allocation = allocations.of_consumer(consumer_id=consumer_id)
        claimed = allocation.host.name if allocation else ""
        host, unknown = server.host if server else "", ""
        if claimed == host:
            return
        allocations.release(consumer_id=consumer_id)
        if server is not None and host:
            spec = request_specs.of_server(server, excluded=[])
            inventories.restore(consumer_id=consumer_id, host=host, spec=spec)
            if spec.topology is not None and _is_off(server):
                topologies.place_restored(consumer_id=consumer_id, guest=spec.topology)
            elif spec.topology is not None:
                topologies.note_unknown(consumer_id=consumer_id)
                unknown = UNKNOWN
    there = f"is on {host or 'no host'}" if server else "does not exist"
    places = f"claimed on {claimed or 'no host'}; the server {there}"
    report.repaired(KIND, consumer_id, found=places, done=f"claimed on {host}{unknown}" if host else "released")


def _is_off(server: "Server") -> bool:
    """Whether its guest has nothing of its host. A suspended one's memory says what it had."""
    is_down = server.vm_state == states.ERROR and server.power_state == states.SHUTDOWN
    return server.vm_state in (states.STOPPED, states.SHELVED) or is_down


def _repair_volume(report: FindingReport, volume_id: uuid.UUID) -> None:
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        volume = volumes.load(volume_id=volume_id) if is_idle else None
        if volume is None or volume.status in (volume_states.CREATING, volume_states.DOWNLOADING):
            return
        allocation = allocations.of_consumer(consumer_id=volume_id)
        claimed = allocation.host.name if allocation else ""
        if claimed == volume.host:
            return
        allocations.release(consumer_id=volume_id)
        if volume.host:
            spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=pools.claimed_disk(volume))
            inventories.restore(consumer_id=volume_id, host=volume.host, spec=spec)
    places = f"claimed on {claimed or 'no host'}; the volume is on {volume.host or 'no host'}"
    done = f"claimed on {volume.host}" if volume.host else "released"
    report.repaired(KIND, volume_id, found=places, done=done)
