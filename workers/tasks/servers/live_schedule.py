"""The first step of a live migration: the scheduler's."""

from dataclasses import dataclass
from typing import Any

from apps.compute import states
from apps.compute.services import live_states
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import allocations
from apps.workflow import states as workflow
from apps.workflow.services import leases
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, StepContext
from workers.tasks.servers import moving, schedule
from workers.tasks.servers.base import ServerStep


@dataclass(frozen=True, slots=True)
class Claimed:
    """Why the scheduler chose the destination; None where an earlier claim was kept."""

    explanation: dict[str, Any] | None = None


class ScheduleDestination(ServerStep[Claimed]):
    """Claim a destination with the migration as consumer: until the server is there, its allocation is on the source.

    As the first step's, its revert ends the server's task; the action shows the failure to the user.
    """

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    task_state = states.MIGRATING

    def execute(self, ctx: StepContext) -> Claimed:
        migration, server = moving.migration_of(ctx), self.server(ctx)
        earlier = allocations.of_consumer(consumer_id=migration.uuid)
        if earlier is not None:
            ctx.assign(DESTINATION, earlier.host.name)
            return Claimed()
        if server.host != ctx.hosts[SOURCE]:  # the last attempt was held back too late
            raise Abort("The server has moved already.", cause="ServerMoved")
        excluded = [*ctx.claim.excluded_hosts, ctx.hosts[SOURCE]]
        target = str(ctx.claim.params.get("host") or "")
        try:
            choice = schedule.place(
                moving.at_destination(server, migration), consumer_id=migration.uuid, excluded=excluded, host=target
            )
        except NoValidHost as error:
            raise schedule.refusal(ctx, error) from error
        ctx.assign(DESTINATION, choice.host)
        return Claimed(choice.explanation)

    def record(self, ctx: StepContext, result: Claimed) -> None:
        live_states.mark_claimed(run_id=ctx.claim.run_id, host=ctx.hosts[DESTINATION])
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        live_states.give_up(
            server_id=ctx.subject_id,
            run_id=ctx.claim.run_id,
            source=ctx.hosts[SOURCE],
            final=ctx.final,
            cancelled=ctx.failure is not None and ctx.failure.cause == workflow.BY_OPERATOR,
        )
