"""Common parts of the steps of volumes and snapshots: their status, their rows, their host's drivers."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from apps.volumes.selectors import snapshots as snapshot_selectors
from apps.volumes.selectors import volumes as selectors
from apps.volumes.services import snapshot_states, volume_states
from apps.workflow.services.claims import ClaimArguments
from workers.config import HostDrivers
from workers.drivers.volume.errors import PoolBusy
from workers.engine.errors import Abort, LeaseLost, TooLong
from workers.engine.steps import Step, StepContext

if TYPE_CHECKING:
    from apps.volumes.models import Snapshot, Volume

R = TypeVar("R")
T = TypeVar("T")
BUSY_SECONDS = 3600.0
PAUSE_SECONDS = 0.5  # between two tries


class VolumeStep(Step[R]):
    """The claim moves the volume to ``status``; None leaves it alone."""

    status: str | None = None

    def claim_arguments(self) -> ClaimArguments | None:
        return volume_states.begin_with_claim(status=self.status) if self.status is not None else None

    def begin(self, ctx: StepContext) -> None:
        if self.status is None:
            return
        if ctx.claim.extended is None:
            raise LeaseLost
        ctx.subject_row = volume_states.read_claimed(ctx.claim.extended)

    def volume(self, ctx: StepContext) -> "Volume":
        """Return the volume's row: first as the claim returned it, later read again. LeaseLost: it is gone."""
        row = ctx.subject_row or selectors.load(volume_id=ctx.subject_id)
        ctx.subject_row = None
        if row is None:
            raise LeaseLost
        return row

    def drivers(self, ctx: StepContext) -> HostDrivers:
        return drivers_of(ctx)


class SnapshotStep(Step[R]):
    """The claim moves the snapshot to ``status``."""

    status: str

    def claim_arguments(self) -> ClaimArguments | None:
        return snapshot_states.begin_with_claim(status=self.status)

    def begin(self, ctx: StepContext) -> None:
        if ctx.claim.extended is None:
            raise LeaseLost
        ctx.subject_row = snapshot_states.read_claimed(ctx.claim.extended)

    def snapshot(self, ctx: StepContext) -> "Snapshot":
        """Return the snapshot's row. LeaseLost: it is gone."""
        row = ctx.subject_row or snapshot_selectors.load(snapshot_id=ctx.subject_id)
        ctx.subject_row = None
        if row is None:
            raise LeaseLost
        return row

    def drivers(self, ctx: StepContext) -> HostDrivers:
        return drivers_of(ctx)


def patiently(ctx: StepContext, call: Callable[[], T]) -> T:
    """Call a volume driver. Where another operation holds the volume, wait for it in the queue of long steps.

    The run is looked at before each try: no work begins after it was taken away.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        ctx.checkpoint()
        try:
            return call()
        except PoolBusy:
            if not ctx.is_long:
                raise TooLong from None
            if ctx.stop.wait(PAUSE_SECONDS):
                raise LeaseLost from None
            if time.monotonic() > deadline:
                raise


def drivers_of(ctx: StepContext) -> HostDrivers:
    """Return the drivers of the run's host. Raises Abort where this worker has none."""
    if not isinstance(ctx.drivers, HostDrivers):
        raise Abort("The host of this volume cannot be reached.", cause="HostUnreachable")
    return ctx.drivers
