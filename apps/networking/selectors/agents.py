"""The network agents of hosts: one for each daemon that programs networks there."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.networking import capabilities, exceptions
from apps.networking.models import AgentNote
from apps.scheduling.selectors import hosts

# (type, binary) of the agents of each host, in Neutron's words where OVN is the engine.
_OF_OVN = (("OVN Controller agent", "ovn-controller"), ("OVN Metadata agent", "celerity-metadata"))
_OF_HOSTS = (("Host network agent", "celerity-host"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """``alive``: its host's agent, which watches the daemon, was heard from."""

    id: uuid.UUID
    agent_type: str
    binary: str
    host: str
    zone: str
    alive: bool
    description: str
    created_at: datetime
    heartbeat_at: datetime


def everything() -> list[Agent]:
    """Return all agents, by id. 2 queries."""
    notes = dict(AgentNote.objects.values_list("id", "description"))
    agents = []
    for host in hosts.all_hosts():
        for agent_type, binary in _OF_OVN if capabilities.has_engine() else _OF_HOSTS:
            agent_id = uuid.uuid5(host.id, binary)
            agents.append(
                Agent(
                    id=agent_id,
                    agent_type=agent_type,
                    binary=binary,
                    host=host.name,
                    zone=host.zone,
                    alive=host.is_up,
                    description=notes.get(agent_id, ""),
                    created_at=host.registered_at,
                    heartbeat_at=host.heartbeat_at,
                )
            )
    return sorted(agents, key=lambda agent: agent.id)


def get(*, agent_id: uuid.UUID) -> Agent:
    """Return an agent. Raises AgentNotFound (404)."""
    for agent in everything():
        if agent.id == agent_id:
            return agent
    raise exceptions.AgentNotFound(id=agent_id)


def matching(filters: Mapping[str, Sequence[str]]) -> list[Agent]:
    """Return the agents with one of the values of each filter, by id."""
    return [agent for agent in everything() if all(_is_one_of(agent, *item) for item in filters.items())]


def _is_one_of(agent: Agent, name: str, values: Sequence[str]) -> bool:
    value: Any = getattr(agent, {"availability_zone": "zone"}.get(name, name))
    return str(value).lower() in [text.lower() for text in values]
