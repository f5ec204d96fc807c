"""Notes about network agents. Callers have checked policy."""

from dataclasses import replace
from typing import Any

from apps.networking import exceptions
from apps.networking.models import AgentNote
from apps.networking.selectors.agents import Agent


def update(*, agent: Agent, values: dict[str, Any]) -> Agent:
    """Describe an agent. Raises AgentRefused (400) for one that is to be taken down: it goes with its host."""
    if values.get("admin_state_up") is False:
        raise exceptions.AgentRefused(
            reason="OVN agent status cannot be updated. Disable the compute service of its host instead"
        )
    if "description" not in values:
        return agent
    AgentNote.objects.update_or_create(id=agent.id, defaults={"description": values["description"]})
    return replace(agent, description=values["description"])


def delete(*, agent: Agent) -> None:
    """Refuse: an agent goes with its host. Raises AgentRefused (400)."""
    raise exceptions.AgentRefused(reason=f"agent {agent.id} goes with its host {agent.host}. Remove the host instead")
