"""Gathers everything about one subject of runs, a server above all, with a bounded number of queries."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.utils import timezone

from apps.common import audit
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.actions import LIVE_MIGRATE
from apps.compute.selectors import migrations, servers, volume_attachments
from apps.compute.states import SUBJECT
from apps.identity.selectors import projects, users
from apps.images.selectors import images
from apps.networking.selectors import bindings, networks
from apps.networking.values import PortFacts
from apps.operations.explain import queues, volumes
from apps.quotas.selectors import reservations
from apps.scheduling.selectors import hosts
from apps.scheduling.services import allocations
from apps.volumes.selectors import pools
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.states import SUBJECT as VOLUME
from apps.workflow import catalogue, states
from apps.workflow.catalogue import Subject
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
    """One subject's runs, and what they wait for. ``runs`` are oldest first; ``queue`` is set while a run is active.

    ``kind`` is the subject's word ("server"); ``exists``: it has a row that is not deleted. ``step_host`` is the host
    where the active run's step belongs.
    """

    now: datetime
    kind: str
    id: uuid.UUID
    label: str
    exists: bool
    runs: "list[Run]"
    steps: "dict[uuid.UUID, list[Step]]"
    events: "list[AuditEvent]" = field(default_factory=list)
    findings: "list[Finding]" = field(default_factory=list)  # of reconcilers: open ones, and repairs since the last run
    names: dict[str, str] = field(default_factory=dict)  # of users, projects, networks and images, by id
    step_host: "Host | None" = None
    queue: queues.QueuePosition | None = None
    sections: tuple[volumes.Section, ...] = ()  # what it is, where, and what it holds

    @property
    def active(self) -> "Run | None":
        """The run that is under way, if any."""
        return _active(self.runs)

    @property
    def last(self) -> "Run | None":
        return self.runs[-1] if self.runs else None

    def name_of(self, key: object) -> str:
        """Return the name of a user, project, network or image, or its id where there is no such row any more."""
        return self.names.get(str(key)) or str(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStory(Story):
    """One server's rows in every app. ``host`` is the server's: in a migration the step belongs to another one."""

    server: "Server"
    devices: "list[BlockDevice]"
    allocation: "Allocation | None" = None
    reserved: dict[str, int] = field(default_factory=dict)
    ports: tuple[PortFacts, ...] = ()
    host: "Host | None" = None
    pauses: dict[uuid.UUID, int] = field(default_factory=dict)  # of guests that moved live, in milliseconds, by run


def of_subject(subject: Subject, subject_id: uuid.UUID, *, ask_workers: bool = True) -> Story:
    """Gather the story of a subject of any kind: at most 25 queries. ``ask_workers``: see ``of_server``."""
    past = _runs(subject.name, subject_id)
    active = _active(past)
    people = {run.user_id for run in past} - {""}
    return Story(
        kind=subject.name,
        label=subject.names([subject_id]).get(subject_id, ""),
        exists=subject_id in subject.existing([subject_id]),
        names=users.names(people) if people else {},
        step_host=_host(active.host) if active else None,
        sections=volumes.sections(subject_id) if subject.name == VOLUME else (),
        **_history(
            subject_id, past, ask_workers=ask_workers, also=_pools([subject_id]) if subject.name == VOLUME else ()
        ),
    )


def of_server(server: "Server", *, ask_workers: bool = True) -> ServerStory:
    """Gather a server's story: at most 21 queries. ``ask_workers``: ask over the broker who reads the run's queue."""
    past = _runs(SUBJECT, server.id)
    active = _active(past)
    ports = bindings.specs_for_server(server_id=server.id)
    host = _host(server.host or (active.host if active else ""))
    return ServerStory(
        kind=SUBJECT,
        label=server.name,
        exists=server.deleted_at is None,
        server=server,
        devices=servers.block_devices(server_id=server.id),
        allocation=allocations.of_consumer(consumer_id=server.id),
        reserved=reservations.of_consumer(consumer_id=server.id),
        ports=ports,
        names=_names(server, past, ports),
        host=host,
        pauses=migrations.downtimes(run_ids=[run.id for run in past if run.action == LIVE_MIGRATE.name]),
        step_host=_step_host(active, host),
        **_history(server.id, past, ask_workers=ask_workers, also=_beside(server)),
    )


def named(*, text: str) -> list[tuple[Subject, uuid.UUID]]:
    """Return the subjects, except servers, of this ID or name. At most 2 queries for each kind."""
    key = parse_uuid(text)
    matches = []
    for subject in catalogue.subjects():
        if subject.name != SUBJECT:
            names = subject.names([key] if key else list(subject.like(text)))
            matches += [(subject, each) for each, name in names.items() if key or name == text]
    return matches


class _History(TypedDict):
    """The fields that a subject of any kind has."""

    now: datetime
    id: uuid.UUID
    runs: "list[Run]"
    steps: "dict[uuid.UUID, list[Step]]"
    events: "list[AuditEvent]"
    findings: "list[Finding]"
    queue: queues.QueuePosition | None


def _runs(subject_type: str, subject_id: uuid.UUID) -> "list[Run]":
    return list(runs.of_subject(subject_type=subject_type, subject_id=subject_id)[:MAX_RUNS])[::-1]


def _active(past: "list[Run]") -> "Run | None":
    return next((run for run in past if run.state in states.ACTIVE), None)


def _beside(server: "Server") -> list[str]:
    """Return the volumes of a server and their pools: what is found of them matters to it."""
    keys = volume_attachments.volume_ids(server_id=server.id) if server.has_volumes else []
    return [*map(str, keys), *_pools(keys, host=server.host)] if keys else []


def _pools(volume_ids: Sequence[uuid.UUID], host: str = "") -> list[str]:
    """Return the names that findings give the pools of volumes, on their hosts; on a guest's host those that it uses by
    itself.
    """
    places = volume_selectors.places_of(volume_ids=[str(key) for key in volume_ids]).values()
    used = {(host, backend) for _, backend in places if host and pools.is_direct(backend)}
    return sorted({f"{at}@{backend}" for at, backend in {*places, *used} if at})


def _history(subject_id: uuid.UUID, past: "list[Run]", *, ask_workers: bool, also: Sequence[str] = ()) -> _History:
    """``also``: other subjects whose findings belong here."""
    steps: dict[uuid.UUID, list[Step]] = {run.id: [] for run in past}
    for step in runs.steps_of(run_ids=list(steps))[:MAX_STEPS]:
        steps[step.run_id].append(step)
    active = _active(past)
    return {
        "now": timezone.now(),
        "id": subject_id,
        "runs": past,
        "steps": steps,
        "events": audit.of_target(target_id=subject_id, limit=MAX_EVENTS),
        "findings": findings.told_of(subjects=[str(subject_id), *also], since=past[-1].created_at if past else None),
        "queue": queues.position_of(active, ask_workers=ask_workers) if active and not active.leader_id else None,
    }


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
