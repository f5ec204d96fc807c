"""What a step is, and what it is handed."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from apps.workflow.services import leases
from apps.workflow.services.claims import Claim, ClaimArguments
from apps.workflow.services.leases import Failure
from workers.engine.errors import LeaseLost
from workers.routing import HOST, SCHEDULER


@dataclass(slots=True)
class StepContext:
    """The run as claimed, and the drivers of the host whose queue this is (None on the scheduler's queue).

    ``host`` may be set by a step: the links behind it follow. ``detached``: the host is out of reach, the scheduler's
    queue serves the whole chain and only rows are touched. ``failure`` and ``final`` are set while reverting:
    ``final`` says that no further attempt comes, ``blames_host`` that the host is at fault: another might have done it.
    """

    claim: Claim
    host: str
    drivers: Any = None
    detached: bool = False
    failure: Failure | None = None
    final: bool = False
    blames_host: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def subject_id(self) -> uuid.UUID:
        return self.claim.subject_id

    @property
    def on_host(self) -> bool:
        """Whether this worker can act on the run's host."""
        return self.drivers is not None

    def checkpoint(self) -> None:
        """Raise LeaseLost when the run was taken away. Called before side effects that follow a long wait."""
        if not leases.is_current(claim=self.claim):
            raise LeaseLost


class Step:
    """``execute`` and ``revert`` side by side, both idempotent.

    ``name`` is the last part of the task's name. ``where`` says whose queue serves it. ``timeout_seconds`` is its
    deadline. ``revert`` must be safe when ``execute`` never ran or ran halfway.
    """

    name: str
    where: str = HOST
    timeout_seconds: float | None = None  # the setting STEP_TIMEOUT

    def claim_arguments(self) -> ClaimArguments | None:
        """Return what moves the subject's task_state within the claim's own statement, if the step knows it before."""
        return None

    def begin(self, ctx: StepContext) -> None:
        """Move the subject's task_state, or see that the claim did; raises LeaseLost when that is not legal."""

    def execute(self, ctx: StepContext) -> None:
        raise NotImplementedError

    def record(self, ctx: StepContext) -> None:
        """Write results in the transaction that finishes the step. Steps without ``records`` cost no transaction."""

    def record_shared(self, ctx: StepContext) -> None:
        """Write what locks rows that many share: last in that transaction, as others wait until it commits."""

    records = False
    rows_only_when_hung = False  # go on with the rows alone when a hung step keeps the host's lock on the subject

    def revert(self, ctx: StepContext) -> None:
        """Undo. The host's part only where ``ctx.on_host``; what is left there, the host's recovery removes."""


__all__ = ["HOST", "SCHEDULER", "Step", "StepContext"]
