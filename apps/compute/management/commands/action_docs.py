"""``celerity action_docs``: writes docs/server-actions.md from the catalogue of server actions."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.common import policy
from apps.compute.actions import (
    ACTIONS,
    ATTACH_INTERFACE,
    ATTACH_VOLUME,
    CANCEL,
    DELETE,
    DETACH_INTERFACE,
    DETACH_VOLUME,
    NOT_OFFERED,
    RETRY,
    SWAP_VOLUME,
    ServerAction,
)

PAGE = Path(__file__).resolve().parents[4] / "docs" / "server-actions.md"
INTRODUCTION = """# Server actions

Made by `celerity action_docs` from `apps/compute/actions/`; do not edit it.

Everything that is done to a server. *Call* is the key of the body of `POST /servers/{id}/action`, *since* the first
microversion that has it. An action that names a task state needs a server without a task under way, in one of the
states; its pipeline's steps then run on the server's host. A task state behind *also from* is replaced: its run is
cancelled. Who may call what is in [policies.md](policies.md).
"""
COLUMNS = ("Action", "Call", "Since", "Rule", "Default", "vm_state", "task_state", "Pipeline", "Operators' pages")
# Those that are done otherwise than by the action's call.
_CALLS = {
    DELETE.name: "`DELETE /servers/{id}`",
    ATTACH_INTERFACE.name: "`POST /servers/{id}/os-interface`",
    DETACH_INTERFACE.name: "`DELETE /servers/{id}/os-interface/{port_id}`",
    ATTACH_VOLUME.name: "`POST /servers/{id}/os-volume_attachments`",
    DETACH_VOLUME.name: "`DELETE /servers/{id}/os-volume_attachments/{volume_id}`",
    SWAP_VOLUME.name: "`PUT /servers/{id}/os-volume_attachments/{volume_id}`",
    RETRY.name: "operators' pages",
    CANCEL.name: "operators' pages",
}
_WHO = {policy.ADMIN: "administrators", policy.PROJECT_MANAGER: "managers", policy.PROJECT_MEMBER: "members"}


def page() -> str:
    """Return the page as it has to be."""
    lines = [INTRODUCTION, _line(*COLUMNS), "|" + "---|" * len(COLUMNS)]
    lines += [_row(action) for action in ACTIONS.values()]
    lines += ["", "## What they do", ""]
    lines += [f"- **{action.title}**: {action.explains}" for action in ACTIONS.values()]
    lines += ["", "## Not offered", "", *_not_offered()]
    return "\n".join([*lines, ""])


def _not_offered() -> list[str]:
    """Return a line for each missing feature, with the keys that are refused (400) for want of it."""
    keys: dict[str, list[str]] = {}
    for key, feature in NOT_OFFERED.items():
        keys.setdefault(feature, []).append(_code(key))
    return [f"- {feature[:1].upper()}{feature[1:]}: {', '.join(named)}" for feature, named in sorted(keys.items())]


def _row(action: ServerAction) -> str:
    soft, hard = action.admission(), action.admission(hard=True)
    states = [_states(soft[0])] + ([f"hard: {_states(hard[0])}"] if hard != soft else [])
    after = ", ".join(map(_code, action.replaces(hard=True)))
    tasks = [_code(soft[1])] + ([f"hard: {_code(hard[1])}, also from {after}"] if hard != soft else [])
    button = (action.button.title or action.title) if action.button else ""
    pages = [button] + (["Try again"] if action.repeatable else [])
    return _line(
        action.title,
        _code(action.key) or _CALLS.get(action.name, "not offered yet"),
        str(action.versions.since),
        _code(action.rule),
        _WHO.get(action.who, _code(action.who)),
        "; ".join(states),
        "; ".join(filter(None, tasks)),
        _code(action.pipeline),
        ", ".join(filter(None, pages)),
    )


def _states(vm_states: tuple[str, ...] | None) -> str:
    return "any" if vm_states is None else ", ".join(vm_states)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


class Command(BaseCommand):
    help = "Write docs/server-actions.md: every action, its rule, states and pipeline."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--output", default=str(PAGE))

    def handle(self, *args: Any, **options: Any) -> None:
        Path(options["output"]).write_text(page())
