"""Cancelling a run for an operator: its steps are undone, unlike for a delete of its subject."""

from apps.common.exceptions import Conflict
from apps.workflow import catalogue, states
from apps.workflow.models import Run
from apps.workflow.services import runs

UNDOING = "What it has done is being undone already."
COMPLETING = "It can no longer be undone: its last steps are being done."
ROUNDS = 20  # a run moves on while one looks at it


def cancel(*, run: Run, message: str, queue: str = "") -> None:
    """Order the revert of a run that has not ended; no attempt follows. ``message`` is for users.

    The row of a further subject stands for its leading run. The worker that has it may go on until its next checkpoint
    or its end; either finds that its token is old.
    Raises Conflict (409) when it has ended, is being reverted already, or is behind its pipeline's pivot.
    """
    if run.leader_id is not None:
        run = Run.objects.get(id=run.leader_id)
    if run.state == states.REVERTING:
        raise Conflict(UNDOING)
    for _ in range(ROUNDS):
        if catalogue.find(run.pipeline).is_behind_pivot(run.next_step):
            raise Conflict(COMPLETING)
        runs.order_revert(run=run, cause=states.BY_OPERATOR, message=message, code=409, queue=queue)
        run.refresh_from_db()
        if run.error_cause == states.BY_OPERATOR and (run.state == states.REVERTING or run.state in states.FINISHED):
            return
        if run.state in states.FINISHED:
            raise Conflict("It has ended meanwhile: there is nothing to cancel.")
        if run.state == states.REVERTING:
            raise Conflict(UNDOING)
    raise Conflict("It moves on faster than it can be cancelled; try again.")
