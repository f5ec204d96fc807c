"""The step, and the context that it runs in."""

import uuid
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, TypeVar

from apps.workflow.services import leases
from apps.workflow.services.claims import Claim, ClaimArguments
from apps.workflow.services.leases import Failure
from apps.workflow.states import DESTINATION, SOURCE
from workers.engine.errors import LeaseLost
from workers.routing import HOST, HOST_ROLES, SCHEDULER


@dataclass(slots=True)
class StepContext:
    """The run as claimed, its hosts by role, and the drivers of the host whose queue this is (None on the scheduler's).

    ``role`` is that of the step that runs, ``here`` the host that this worker serves. A step may ``assign`` a host to a
    role: the links behind it follow. ``unreachable``: a host whose steps run on the scheduler's queue and touch rows
    alone. ``is_long``: the host's queue of long steps serves this one. ``failure`` and ``final`` are set while
    reverting: ``final`` says that no further attempt comes, ``blames_host`` that the host is at fault: another might
    have done it. ``subject_row`` is the subject's row as the claim returned it, until the step takes it. ``stop`` is
    set when the run is taken away from a long step.
    """

    claim: Claim
    hosts: dict[str, str] = field(default_factory=dict)
    role: str = HOST
    here: str = ""
    drivers: Any = None
    unreachable: str = ""
    is_long: bool = False
    failure: Failure | None = None
    final: bool = False
    blames_host: bool = False
    subject_row: Any = None
    stop: Event = field(default_factory=Event)

    @property
    def subject_id(self) -> uuid.UUID:
        return self.claim.subject_id

    @property
    def subject(self) -> tuple[str, uuid.UUID]:
        """Its type and its id."""
        return self.claim.subject_type, self.claim.subject_id

    @property
    def also(self) -> tuple[tuple[str, uuid.UUID], ...]:
        """The run's further subjects, as (type, id); their locks are held too."""
        return self.claim.also

    @property
    def host(self) -> str:
        """The host of the step's role; of a step without, the run's only host. "" while none is chosen."""
        return self.hosts.get(HOST if self.role == SCHEDULER else self.role, "")

    @property
    def on_host(self) -> bool:
        """Whether this worker can act on the host of the step's role."""
        return self.drivers is not None and self.host == self.here

    def assign(self, role: str, host: str) -> None:
        """Let the steps of ``role`` run on ``host``."""
        self.hosts[role] = host

    def checkpoint(self) -> None:
        """Raise LeaseLost when the run was taken away. Called before side effects that follow a long wait."""
        if not leases.is_current(claim=self.claim):
            raise LeaseLost


R = TypeVar("R")


class Step(Generic[R]):
    """``execute`` and ``revert`` side by side, both idempotent. ``R`` is the result that ``execute`` passes to
    ``record``: a frozen dataclass, or None.

    ``name`` is the last part of the task's name. ``role`` says whose queue serves it, ``needs`` which
    other hosts it uses. ``timeout_seconds`` is its
    deadline. ``revert`` must be safe when ``execute`` never ran or ran halfway. A later step reads what an earlier one
    did in the rows that this one recorded. A step that finds its work long raises ``TooLong`` before it begins.
    """

    name: str
    role: str = HOST
    timeout_seconds: float | None = None  # the setting STEP_TIMEOUT
    needs: tuple[str, ...] = ()  # further roles whose hosts it cannot work without
    long = False  # it may take minutes: it runs on its host's queue of long steps, and boots do not wait behind it
    chooses_host = False  # it fails with NoValidHost where no host is left
    rows_only_when_hung = False  # go on with the rows alone when a hung step keeps the host's lock on the subject
    records = False  # whether it writes in the transaction that finishes it; others cost no transaction
    undoes = False  # whether it has a revert; the revert of a run skips other steps, and hosts that have no such step

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.records = cls.record is not Step.record or cls.record_shared is not Step.record_shared
        cls.undoes = cls.revert is not Step.revert

    def claim_arguments(self) -> ClaimArguments | None:
        """Return the extension that moves the subject's task_state in the claim's statement, if the step knows the
        state before.
        """
        return None

    def begin(self, ctx: StepContext) -> None:
        """Move the subject's task_state, or see that the claim did. Raises LeaseLost when that is not legal."""

    def execute(self, ctx: StepContext) -> R:
        raise NotImplementedError

    def record(self, ctx: StepContext, result: R) -> None:
        """Write the result in the transaction that finishes the step."""

    def record_shared(self, ctx: StepContext) -> None:
        """Write shared rows, last in the transaction, because others wait for them until it commits."""

    def has_passed(self, ctx: StepContext) -> bool:
        """Say whether its work is done although it failed. Asked of the pivot: it is repeated then, not reverted."""
        return False

    def asks_host(self, ctx: StepContext) -> bool:
        """Say whether its revert has to ask the host what is so, and therefore waits for one that is out of reach."""
        return False

    def revert(self, ctx: StepContext) -> bool | None:
        """Undo. Changes the host only if ``ctx.on_host``; otherwise the host's recovery cleans it up.

        The pivot returns True where it cannot: what it began may go on at a host that cannot be asked, and its rows say
        so now. Then the run goes on behind it.
        """
        return None


__all__ = ["DESTINATION", "HOST", "HOST_ROLES", "SCHEDULER", "SOURCE", "Step", "StepContext"]
