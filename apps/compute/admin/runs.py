"""Actions of operators on a run of a server: the server's own operations, from the run's page."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apps.common import audit, policy
from apps.common.admin import Operation, Operator, operations
from apps.common.exceptions import Conflict
from apps.compute import actions
from apps.compute.actions import Button, ServerAction
from apps.compute.admin.server_operations import cancel_words, load, operation_of
from apps.compute.selectors import server_counts
from apps.compute.services import server_actions
from apps.compute.states import SUBJECT
from apps.workflow import catalogue, states

if TYPE_CHECKING:
    from apps.workflow.models import Run


def _operated(action: ServerAction, **arguments: Callable[[Any], Any]) -> Callable[..., str]:
    """Return how an action of the catalogue is done from a run's page: to the run's server, and recorded as that."""

    def run_it(operator: Operator, run: "Run", values: dict[str, Any]) -> str:
        server = load(run.subject_id)
        with audit.action(action.event, "server", server.id):
            given = {name: read(run) for name, read in arguments.items()}
            result = server_actions.perform(context=operator.context, server=server, action=action, arguments=given)
        return action.button.done.format(server=server.name, result=result) if action.button else ""

    return run_it


def _is_servers(run: "Run") -> bool:
    """Whether the run works on a server. The row of a further subject only follows: its leading run is operated."""
    return run.subject_type == SUBJECT and run.leader_id is None


def _is_past_cancel(run: "Run") -> bool:
    entry = catalogue.find(run.pipeline)
    return entry.releases or entry.is_behind_pivot(run.next_step)


def _repeated(run: "Run") -> ServerAction | None:
    """Return the action that a failed run was, if it may be done again."""
    failed = _is_servers(run) and run.state in (states.FAILED, states.CANCELLED)
    return actions.of_run(pipeline=run.pipeline, name=run.action) if failed else None


def _again(operator: Operator, run: "Run", values: dict[str, Any]) -> str:
    """Do what the owner's call does, under the same rule. Raises NotFound (404), WrongState (409)."""
    action = _repeated(run)
    if action is None:
        raise Conflict("Only a failed action can be tried again.")
    server = load(run.subject_id)
    arguments = {name: run.params.get(name, value) for name, value in action.defaults.items()}
    with nullcontext() if action.recorded else audit.action(action.event, "server", server.id):
        policy.check(operator.context, action.policy, {"project_id": server.project_id, "user_id": server.user_id})
        server_actions.perform(context=operator.context, server=server, action=action, arguments=arguments)
    return f"Trying '{action.name}' of {server.name} again, in a new run."


def _may_again(run: "Run") -> bool:
    """1 query, of a run that has failed."""
    return _repeated(run) is not None and server_counts.exists(server_id=run.subject_id)


operations.add(
    "workflow.run",
    replace(
        operation_of(actions.RETRY, Button(done="")), run=_operated(actions.RETRY), event="",
        offered=lambda run: _is_servers(run) and catalogue.find(run.pipeline).creates
        and run.state in (states.FAILED, states.CANCELLED),
        confirm="Build the server again",
    ),
    Operation(
        name="again", title="Try again", icon="replay", run=_again, offered=_may_again,
        confirm=lambda run: f"Try the {run.action} again",
        explains="Requests the same action again, as the server's owner would. It starts only if the server's state "
        "still allows it.",
    ),
    replace(
        operation_of(actions.CANCEL, Button(done="", interrupts=True)),
        run=_operated(actions.CANCEL, run_id=lambda run: run.id), event="",
        offered=lambda run: _is_servers(run) and run.state in (states.QUEUED, states.RUNNING)
        and not _is_past_cancel(run),
        confirm=lambda run: cancel_words(run)[0], keep=lambda run: cancel_words(run)[1],
    ),
)  # fmt: skip
