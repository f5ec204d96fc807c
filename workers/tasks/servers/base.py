"""Common parts of the steps of servers: their task_state, and reading the server."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import structlog
from django.conf import settings

from apps.compute import faults
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_states
from apps.workflow.services.claims import ClaimArguments
from apps.workflow.services.leases import Failure
from workers.config import HostDrivers
from workers.drivers.hypervisor.specs import ServerSpec
from workers.drivers.network.errors import NetworkUnavailable
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import Step, StepContext

if TYPE_CHECKING:
    from apps.compute.models import Server

log = structlog.get_logger("celerity.agent")
R = TypeVar("R")


class ServerStep(Step[R]):
    """The claim moves the server to ``task_state``; None leaves it alone."""

    task_state: str | None = None

    def claim_arguments(self) -> ClaimArguments | None:
        return server_states.begin_task_with_claim(task_state=self.task_state) if self.task_state is not None else None

    def begin(self, ctx: StepContext) -> None:
        if self.task_state is None:
            return
        if ctx.claim.extended is None:
            raise LeaseLost
        ctx.subject_row = server_states.read_claimed(ctx.claim.extended)

    def server(self, ctx: StepContext) -> "Server":
        """Return the server's row: first as the claim returned it, later read again. LeaseLost: it is gone."""
        row = ctx.subject_row or selectors.load(server_id=ctx.subject_id)
        ctx.subject_row = None
        if row is None:
            raise LeaseLost
        return row

    def mark_failed(self, ctx: StepContext, failure: Failure, *, action: str) -> None:
        """The server becomes ERROR; its fault gives the reason and advice."""
        message = faults.with_advice(action=action, cause=failure.cause, message=failure.message)
        server_states.mark_error(server_id=ctx.subject_id, code=failure.code, message=message, details=failure.details)

    def drivers(self, ctx: StepContext) -> HostDrivers:
        """Return the drivers of the run's host. Raises Abort where this worker has none."""
        if not isinstance(ctx.drivers, HostDrivers):
            raise Abort("The host of this server cannot be reached.", cause="HostUnreachable")
        return ctx.drivers


def wait_for_ports(ports: Mapping[str, Sequence[str]], drivers: HostDrivers) -> None:
    """Wait until the traffic of plugged ports passes; by their ids, the MACs of their networks' routers.

    Raises NetworkUnavailable after VIF_PLUGGING_TIMEOUT, unless VIF_PLUGGING_IS_FATAL is off.
    """
    if not ports:
        return
    try:
        drivers.network.wait_until_up(ports, settings.VIF_PLUGGING_TIMEOUT)
    except NetworkUnavailable as error:
        if settings.VIF_PLUGGING_IS_FATAL and settings.VIF_PLUGGING_TIMEOUT:
            raise
        log.warning("ports are not up", ports=error.details)


def ports_of(spec: ServerSpec) -> dict[str, tuple[str, ...]]:
    """Return the ids of the ports of a server's cards, with the MACs of their networks' routers."""
    return {card.port_id: card.routers for card in spec.interfaces}
