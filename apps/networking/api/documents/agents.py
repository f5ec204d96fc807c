"""Network agents as documents."""

from datetime import UTC, datetime
from typing import Any

from apps.networking.selectors.agents import Agent


def render(agent: Agent) -> dict[str, Any]:
    """Return the document of an agent."""
    return {
        "id": str(agent.id),
        "agent_type": agent.agent_type,
        "binary": agent.binary,
        "topic": "N/A",
        "host": agent.host,
        "availability_zone": agent.zone,
        "admin_state_up": True,
        "alive": agent.alive,
        "description": agent.description,
        "configurations": {},
        "resources_synced": None,
        "created_at": _time(agent.created_at),
        "started_at": _time(agent.created_at),
        "heartbeat_timestamp": _time(agent.heartbeat_at),
    }


def _time(moment: datetime) -> str:
    """Return a time as Neutron writes it here alone: with a space, without a zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
