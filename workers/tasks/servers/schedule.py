"""schedule: choose a host and claim it in one statement."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.compute import locks, states
from apps.compute.selectors import request_specs
from apps.compute.services import server_states, server_volumes
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import allocations
from apps.volumes.services import server_volumes as volumes
from apps.workflow.services import leases
from workers.engine.errors import Abort
from workers.engine.steps import HOST, SCHEDULER, StepContext
from workers.tasks import hearing
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.compute.models import Server


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The host's zone, and why the scheduler chose the host; None where an earlier claim was kept."""

    zone: str
    explanation: dict[str, Any] | None = None


class Schedule(ServerStep[Scheduled]):
    """The first step: its revert gives the claim back, and on the last attempt marks the server ERROR."""

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    task_state = states.SCHEDULING

    def execute(self, ctx: StepContext) -> Scheduled:
        claimed = self._claimed_before(ctx)
        if claimed:
            host, zone = claimed
            ctx.assign(HOST, host)
            return Scheduled(zone)
        choice = self._choose(ctx)
        ctx.assign(HOST, choice.host)
        return Scheduled(choice.zone, choice.explanation)

    def _claimed_before(self, ctx: StepContext) -> tuple[str, str] | None:
        """A step that is sent again (a worker died after its claim) keeps the host it has."""
        if ctx.claim.token == 1:
            return None
        allocation = allocations.of_consumer(consumer_id=ctx.subject_id)
        return (allocation.host.name, allocation.host.zone) if allocation else None

    def _choose(self, ctx: StepContext) -> allocations.Choice:
        server, excluded = self.server(ctx), ctx.claim.excluded_hosts

        def choose() -> allocations.Choice:
            if server.has_volumes:
                return _place_with_volumes(server, excluded)
            return place(server, consumer_id=server.id, excluded=excluded)

        return hearing.chosen(ctx, choose, refusal)

    def record(self, ctx: StepContext, result: Scheduled) -> None:
        server_states.set_host(server_id=ctx.subject_id, host=ctx.host, zone=result.zone)
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        made = server_volumes.give_up(server_id=ctx.subject_id, final=ctx.final)
        server_states.clear_host(server_id=ctx.subject_id, blamed=ctx.host if ctx.blames_host else "")
        server_volumes.undo_making(volume_ids=made, final=ctx.final)
        if ctx.final and ctx.failure:
            self.mark_failed(ctx, ctx.failure, action="create")
        else:
            server_states.mark_rescheduling(server_id=ctx.subject_id)


def _place_with_volumes(server: "Server", excluded: list[str]) -> allocations.Choice:
    """Claim a host for the server, and room there for the volumes that its build makes: all or nothing."""
    new = server_volumes.unmade(server=server)
    excluded = [*excluded, *volumes.unsuited_hosts(volumes=new)]
    while True:
        choice = None
        try:
            with transaction.atomic():
                if server.group_id is not None:
                    locks.server_group(server.group_id)
                volumes.lock_all(volumes=new)
                choice = place(server, consumer_id=server.id, excluded=excluded)
                volumes.claim(volumes=new, host=choice.host)
            return choice
        except NoValidHost:
            if choice is None:
                raise
            excluded.append(choice.host)  # it has room for the server alone


def refusal(ctx: StepContext, error: NoValidHost) -> Abort:
    """Store why no host was left, and return the error that fails the run."""
    leases.explain(claim=ctx.claim, explanation=error.values.get("explanation", {}))
    earlier = ctx.claim.error_message
    message = f"{error.message} Earlier attempt: {earlier}" if earlier else error.message
    misses = error.values.get("explanation", {}).get("misses", [])
    return Abort(message, cause="NoValidHost", details="; ".join(map(str, misses)))


def place(server: "Server", *, consumer_id: uuid.UUID, excluded: list[str], host: str = "") -> allocations.Choice:
    """Choose a host and claim it for ``consumer_id``: the server, or its migration. ``host``: that one or none.

    Members of a group are placed one after another: each sees where those before it went.
    """
    if server.group_id is None:
        spec = request_specs.of_move(server, excluded=excluded, host=host)
        return allocations.choose_and_claim(consumer_id=consumer_id, spec=spec)
    with transaction.atomic():
        locks.server_group(server.group_id)
        spec = request_specs.of_move(server, excluded=excluded, host=host)
        choice = allocations.choose_and_claim(consumer_id=consumer_id, spec=spec)
        if spec.group and request_specs.breaks_policy(spec.group, choice.host):
            raise NoValidHost(reason=request_specs.policy_reason(spec))
        return choice
