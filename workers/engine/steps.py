"""The step, and the context that it runs in."""

import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
    ``subject_row`` is the subject's row as the claim returned it, until the step takes it.
    """

    claim: Claim
    host: str
    drivers: Any = None
    detached: bool = False
    failure: Failure | None = None
    final: bool = False
    blames_host: bool = False
    subject_row: Any = None

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


R = TypeVar("R")


class Step(Generic[R]):
    """``execute`` and ``revert`` side by side, both idempotent. ``R`` is what ``execute`` hands to ``record``: a
    frozen dataclass, or None.

    ``name`` is the last part of the task's name. ``where`` says whose queue serves it. ``timeout_seconds`` is its
    deadline. ``revert`` must be safe when ``execute`` never ran or ran halfway. A later step reads what an earlier one
    did in the rows that this one recorded.
    """

    name: str
    where: str = HOST
    timeout_seconds: float | None = None  # the setting STEP_TIMEOUT
    rows_only_when_hung = False  # go on with the rows alone when a hung step keeps the host's lock on the subject
    records = False  # whether it writes in the transaction that finishes it; others cost no transaction

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.records = cls.record is not Step.record or cls.record_shared is not Step.record_shared

    def claim_arguments(self) -> ClaimArguments | None:
        """Return what moves the subject's task_state within the claim's own statement, if the step knows it before."""
        return None

    def begin(self, ctx: StepContext) -> None:
        """Move the subject's task_state, or see that the claim did. Raises LeaseLost when that is not legal."""

    def execute(self, ctx: StepContext) -> R:
        raise NotImplementedError

    def record(self, ctx: StepContext, result: R) -> None:
        """Write the result in the transaction that finishes the step."""

    def record_shared(self, ctx: StepContext) -> None:
        """Write what locks rows that many share: last in that transaction, as others wait until it commits."""

    def revert(self, ctx: StepContext) -> None:
        """Undo. The host's part only where ``ctx.on_host``; what is left there, the host's recovery removes."""


__all__ = ["HOST", "SCHEDULER", "Step", "StepContext"]
