"""schedule: choose a host for a volume and claim room on its disk in one statement."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.compute.selectors import servers
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.volumes import states
from apps.volumes.selectors import affinity, backends, capabilities, snapshots, volumes
from apps.volumes.selectors import pools as pool_selectors
from apps.volumes.services import placements, pools, volume_states
from apps.workflow.services import leases
from workers.engine.errors import Abort
from workers.engine.steps import HOST, SCHEDULER, StepContext
from workers.tasks import hearing
from workers.tasks.volumes.base import VolumeStep

if TYPE_CHECKING:
    from apps.volumes.models import Volume


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The host's zone, and why the scheduler chose the host; None where an earlier claim was kept."""

    zone: str
    explanation: dict[str, Any] | None = None


class ScheduleVolume(VolumeStep[Scheduled]):
    """The first step: its revert gives the claim back, and on the last attempt marks the volume ERROR."""

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    status = states.CREATING

    def execute(self, ctx: StepContext) -> Scheduled:
        claimed = allocations.of_consumer(consumer_id=ctx.subject_id) if ctx.claim.token != 1 else None
        if claimed is not None:
            ctx.assign(HOST, claimed.host.name)
            return Scheduled(claimed.host.zone)
        volume, excluded = self.volume(ctx), ctx.claim.excluded_hosts
        choice = hearing.chosen(ctx, lambda: _choose_anywhere(volume, excluded), refusal)
        ctx.assign(HOST, choice.host)
        return Scheduled(choice.zone, choice.explanation)

    def record(self, ctx: StepContext, result: Scheduled) -> None:
        volume_states.set_host(volume_id=ctx.subject_id, host=ctx.host, zone=result.zone)
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            volume_states.end_restores(volume_id=ctx.subject_id)
        volume_states.clear_host(volume_id=ctx.subject_id)
        if ctx.final and ctx.failure:
            volume_states.mark_error(volume_id=ctx.subject_id, message=ctx.failure.message)
        elif not ctx.final:
            before = (states.CREATING, states.DOWNLOADING)
            volume_states.move(volume_id=ctx.subject_id, status=states.CREATING, before=before)


def refusal(ctx: StepContext, error: NoValidHost) -> Abort:
    """Return the failure of a run whose volume goes nowhere; the run keeps why."""
    explanation = error.values.get("explanation", {})
    leases.explain(claim=ctx.claim, explanation=explanation)
    # Users do not read what hosts have, nor which there are.
    details = "; ".join([error.message, *map(str, explanation.get("misses", []))])
    return Abort("No host has room for the volume.", cause="NoValidHost", details=details)


def _choose_anywhere(volume: "Volume", excluded: list[str]) -> allocations.Choice | pools.Choice:
    """Choose on the volume's back end, or on another that its type allows too. Raises NoValidHost with all reasons, and
    Abort where the type asks for what no back end is.
    """
    if not placements.allowed(volume) and volume.volume_type is not None:
        unmet = capabilities.unmet(volume.volume_type.extra_specs, backend=volume.backend)
        raise Abort(
            f"No valid back end was found for the volume's type: none has {', '.join(unmet)}.", cause="NoValidHost"
        )
    too_small = backends.too_small(volume_type=volume.volume_type)
    return placements.on_first(volume, lambda row: _choose(row, excluded, too_small.get(row.backend, set())))


def _choose(volume: "Volume", excluded: list[str], lacking: set[str]) -> allocations.Choice | pools.Choice:
    """Of back ends on the servers' disk, servers and volumes share a host's room; others have pools."""
    near = affinity.of(volume, server_host=_server_host(volume))
    if pool_selectors.takes_host_disk(volume.backend):
        spec = _spec(volume, frozenset(excluded) | lacking | backends.without_backups(volume), near)
        return allocations.choose_and_claim(consumer_id=volume.id, spec=spec)
    return pools.choose_and_claim(
        volume=volume,
        zone=volume.availability_zone,
        host=_source_host(volume) or volume.host,
        without=excluded,
        lacking=lacking,
        near=near,
    )


def _server_host(volume: "Volume") -> str | None:
    """Return the host of the project's server that the volume is to be local to; "" where there is none such."""
    keys = affinity.ids(volume.scheduler_hints, affinity.LOCAL)
    if not keys:
        return None
    server = servers.load(server_id=uuid.UUID(keys[0]))
    return server.host if server is not None and server.project_id == volume.project_id else ""


def _spec(volume: "Volume", without: frozenset[str], near: affinity.Affinity) -> RequestSpec:
    """A volume needs disk alone. One that is made from another, or from a snapshot, is made where that is."""
    return RequestSpec(
        vcpus=0,
        ram_mib=0,
        disk_gib=volume.size,
        zone=volume.availability_zone or None,
        force_host=_source_host(volume) or volume.host or None,
        ignore_hosts=without | backends.disabled_hosts(backend=volume.backend),
        project_id=volume.project_id,
        same_hosts=near.same,
        different_hosts=near.different,
    )


def _source_host(volume: "Volume") -> str:
    """Return the host of the volume's source. Raises Abort when the source is gone."""
    source_id = volume.source_volume_id
    if volume.source_snapshot_id is not None:
        snapshot = snapshots.load(snapshot_id=volume.source_snapshot_id)
        source_id = snapshot.volume_id if snapshot is not None else None
        if source_id is None:
            raise Abort("The snapshot does not exist any more.", cause="SnapshotNotFound")
    if source_id is None:
        return ""
    source = volumes.load(volume_id=source_id)
    if source is None:
        raise Abort("The source volume does not exist any more.", cause="VolumeNotFound")
    return source.host
