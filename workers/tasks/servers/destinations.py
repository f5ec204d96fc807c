"""The first step of a move between hosts, the scheduler's: it claims the destination."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.compute import migration_states, states
from apps.compute.services import live_states, move_states
from apps.scheduling.services import allocations
from apps.workflow import states as workflow
from apps.workflow.services import leases
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, StepContext
from workers.tasks import hearing
from workers.tasks.servers import moving, schedule
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.compute.models import Migration, Server


@dataclass(frozen=True, slots=True)
class Claimed:
    """Why the scheduler chose the destination; None where an earlier claim was kept."""

    explanation: dict[str, Any] | None = None


class ScheduleDestination(ServerStep[Claimed]):
    """Claim a destination with the migration as consumer: until the server is there, its allocation is on the source.

    As the first step's, its revert ends the server's task; the action shows the failure to the user. This one is of a
    server that is off meanwhile.
    """

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    task_state = states.RESIZE_PREP

    def execute(self, ctx: StepContext) -> Claimed:
        migration, server = moving.migration_of(ctx), self.server(ctx)
        earlier = allocations.of_consumer(consumer_id=migration.uuid)
        if earlier is not None:
            ctx.assign(DESTINATION, earlier.host.name)
            return Claimed()
        excluded = [*ctx.claim.excluded_hosts, *self.left_out(ctx, server, migration)]
        moved, target = moving.at_destination(server, migration), str(ctx.claim.params.get("host") or "")
        choice = hearing.chosen(
            ctx,
            lambda: schedule.place(moved, consumer_id=migration.uuid, excluded=excluded, host=target),
            schedule.refusal,
        )
        ctx.assign(DESTINATION, choice.host)
        return Claimed(choice.explanation)

    def left_out(self, ctx: StepContext, server: "Server", migration: "Migration") -> list[str]:
        """Return the source, unless a resize may stay there."""
        stays = migration.type == migration_states.RESIZE and settings.ALLOW_RESIZE_TO_SAME_HOST
        return [] if stays else [ctx.hosts[SOURCE]]

    def record(self, ctx: StepContext, result: Claimed) -> None:
        self.mark_claimed(ctx)
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def mark_claimed(self, ctx: StepContext) -> None:
        move_states.mark_claimed(run_id=ctx.claim.run_id, host=ctx.hosts[DESTINATION])

    def revert(self, ctx: StepContext) -> None:
        move_states.give_up(server_id=ctx.subject_id, run_id=ctx.claim.run_id, final=ctx.final)


class ScheduleLiveDestination(ScheduleDestination):
    """The same for a guest that runs on meanwhile."""

    task_state = states.MIGRATING

    def left_out(self, ctx: StepContext, server: "Server", migration: "Migration") -> list[str]:
        """Return the source. Raises Abort for a server that is not there."""
        if server.host != ctx.hosts[SOURCE]:  # the last attempt was held back too late
            raise Abort("The server has moved already.", cause="ServerMoved")
        return [ctx.hosts[SOURCE]]

    def mark_claimed(self, ctx: StepContext) -> None:
        live_states.mark_claimed(run_id=ctx.claim.run_id, host=ctx.hosts[DESTINATION])

    def revert(self, ctx: StepContext) -> None:
        live_states.give_up(
            server_id=ctx.subject_id,
            run_id=ctx.claim.run_id,
            source=ctx.hosts[SOURCE],
            final=ctx.final,
            cancelled=ctx.failure is not None and ctx.failure.cause == workflow.BY_OPERATOR,
        )
