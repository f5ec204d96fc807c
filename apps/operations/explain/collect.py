"""Gathers everything about one server with a bounded number of queries."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.common import audit
from apps.common.exceptions import NotFound
from apps.compute.selectors import servers
from apps.compute.states import SUBJECT
from apps.identity.selectors import projects, users
from apps.images.selectors import images
from apps.networking.selectors import bindings, networks
from apps.networking.values import PortFacts
from apps.operations.explain import queues
from apps.quotas.selectors import reservations
from apps.scheduling.selectors import hosts
from apps.scheduling.services import allocations
from apps.workflow import states
from apps.workflow.selectors import findings, runs

if TYPE_CHECKING:
    from apps.common.models import AuditEvent
    from apps.compute.models import BlockDevice, Server
    from apps.scheduling.models import Allocation, Host
    from apps.workflow.models import Finding, Run, Step

MAX_RUNS = 10
MAX_STEPS = 200
MAX_EVENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One server's rows in every app. ``runs`` are oldest first; ``queue`` is set while a run is active.

    ``host`` is the server's, ``step_host`` the one where the active run's step belongs: in a migration another one.
    """

    now: datetime
    server: "Server"
    runs: "list[Run]"
    steps: "dict[uuid.UUID, list[Step]]"
    devices: "list[BlockDevice]"
    allocation: "Allocation | None" = None
    reserved: dict[str, int] = field(default_factory=dict)
    ports: tuple[PortFacts, ...] = ()
    events: "list[AuditEvent]" = field(default_factory=list)
    findings: "list[Finding]" = field(default_factory=list)  # open ones of reconcilers
    names: dict[str, str] = field(default_factory=dict)  # of users, projects, networks and the image, by id
    host: "Host | None" = None
    step_host: "Host | None" = None
    queue: queues.QueuePosition | None = None

    @property
    def active(self) -> "Run | None":
        """The run that is under way, if any."""
        return next((run for run in self.runs if run.state in states.ACTIVE), None)

    @property
    def last(self) -> "Run | None":
        return self.runs[-1] if self.runs else None

    def name_of(self, key: object) -> str:
        """Return the name of a user, project, network or image, or its id where there is no such row any more."""
        return self.names.get(str(key)) or str(key)


def of_server(server: "Server", *, ask_workers: bool = True) -> Story:
    """Gather a server's story: at most 20 queries. ``ask_workers``: ask over the broker who reads the run's queue."""
    server_runs = list(runs.of_subject(subject_type=SUBJECT, subject_id=server.id)[:MAX_RUNS])[::-1]
    steps: dict[uuid.UUID, list[Step]] = {run.id: [] for run in server_runs}
    for step in runs.steps_of(run_ids=list(steps))[:MAX_STEPS]:
        steps[step.run_id].append(step)
    ports = bindings.specs_for_server(server_id=server.id)
    events = audit.of_target(target_id=server.id, limit=MAX_EVENTS)
    active = next((run for run in server_runs if run.state in states.ACTIVE), None)
    host = _host(server.host or (active.host if active else ""))
    return Story(
        now=timezone.now(),
        server=server,
        runs=server_runs,
        steps=steps,
        devices=servers.block_devices(server_id=server.id),
        allocation=allocations.of_consumer(consumer_id=server.id),
        reserved=reservations.of_consumer(consumer_id=server.id),
        ports=ports,
        events=events,
        findings=findings.open_of(subject=str(server.id)),
        names=_names(server, server_runs, ports),
        host=host,
        step_host=_step_host(active, host),
        queue=queues.position_of(active, ask_workers=ask_workers) if active else None,
    )


def _host(name: str) -> "Host | None":
    try:
        return hosts.get(name=name) if name else None
    except NotFound:
        return None


def _step_host(active: "Run | None", host: "Host | None") -> "Host | None":
    """Return the host of the active run's step; no query where it is the server's."""
    if active is None or not active.host:
        return None
    return host if host is not None and host.name == active.host else _host(active.host)


def _names(server: "Server", server_runs: "list[Run]", ports: tuple[PortFacts, ...]) -> dict[str, str]:
    people = {server.user_id, *(run.user_id for run in server_runs)} - {""}
    names = {**users.names(people), **projects.names({server.project_id})}
    names |= {str(port.network.id): port.network.name for port in ports}
    wanted = {uuid.UUID(requested["network_id"]) for requested in server.requested_networks or []}
    missing = {key for key in wanted if str(key) not in names}
    if missing:
        names |= {str(key): name for key, name in networks.names(network_ids=missing).items()}
    if server.image_id:
        names[str(server.image_id)] = images.name_of(image_id=server.image_id) or ""
    return names
