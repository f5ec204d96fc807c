"""Plans: where the servers of a dead host would go, and which moves would balance the cloud. Nothing is written."""

import uuid
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace

from django.conf import settings

from apps.compute.models import Server
from apps.compute.selectors import drains, evacuations, request_specs, server_hardware, servers
from apps.compute.services import dry_runs
from apps.scheduling import candidates
from apps.scheduling.engine import ranking
from apps.scheduling.services import topologies
from apps.scheduling.specs import HostState, RequestSpec

LOOKED_AT = 200  # servers of the fullest host, of which the best move is chosen
TARGETS = 20  # the emptiest hosts, among which it goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A server of a dead host: how early it is its turn (None: not by itself), where it would go, and why not.

    ``becomes`` says in words what it has then.
    """

    server: Server
    priority: int | None
    host: str = ""
    becomes: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A move that makes the fullest host less full. ``before`` and ``after`` are percents of that host's use."""

    server: Server
    source: str
    host: str
    before: int
    after: int


class Cloud:
    """All hosts as the scheduler sees them, in memory: what a plan places takes its amounts."""

    def __init__(self) -> None:
        self.hosts = {host.name: host for host in candidates.everything()}
        self._rooms = topologies.Rooms()
        self._zones = {host.name: host.zone for host in self.hosts.values()}

    def suited(self, spec: RequestSpec, among: Iterable[HostState] | None = None) -> tuple[list[HostState], str]:
        """Return the hosts that take a server, the best first, and why there are none."""
        looked_at = list(self.hosts.values() if among is None else among)
        verdict = ranking.rank(hosts=looked_at, spec=candidates.leaning(spec=spec, zones=self._zones))
        suited = [host for host in verdict.hosts if dry_runs.suits(host, spec) and self._rooms.has(host, spec.topology)]
        return suited, "" if suited else dry_runs.reason_of(looked_at, spec, verdict)

    def take(self, name: str, spec: RequestSpec) -> None:
        self.hosts[name] = dry_runs.with_server(self.hosts[name], spec)
        self._rooms.take(self.hosts[name], spec.topology)

    def give_back(self, name: str, spec: RequestSpec) -> None:
        self.hosts[name] = without_server(self.hosts[name], spec)


def evacuation(*, host: str, everything: bool) -> list[Planned]:
    """Return what an evacuation would do, in its order. ``everything``: not only what restarts by itself."""
    cloud, plan = Cloud(), []
    why = evacuations.reasons(host=host, since=None, everything=everything)
    for server in evacuations.in_order(host=host):
        rank, reason, chosen = evacuations.priority(server), why.get(server.id, ""), ""
        if not reason:
            spec = _spec(server)
            suited, reason = cloud.suited(spec)
            if suited:
                chosen = suited[0].name
                cloud.take(chosen, spec)
        plan.append(
            Planned(
                server=server, priority=rank, host=chosen, becomes=evacuations.becomes(server), reason=reason
            )
        )  # fmt: skip
    return plan


def balance(*, most: int, threshold: int) -> list[Proposal]:
    """Return up to ``most`` moves, each from the host that is the fullest then, by its scarcest resource.

    The plan ends where no host is less full than that one by ``threshold`` percent, or no move leaves the other one
    less full than it was.
    """
    cloud = Cloud()
    proposals: list[Proposal] = []
    moved: set[uuid.UUID] = set()
    while len(proposals) < most:
        ready = sorted((host for host in cloud.hosts.values() if host.enabled and host.up), key=use)
        best = _best(cloud, ready, moved, threshold) if len(ready) > 1 else None
        if best is None:
            break
        spec = _spec(best.server)
        cloud.take(best.host, spec)
        cloud.give_back(best.source, spec)
        moved.add(best.server.id)
        proposals.append(best)
    return proposals


def _best(cloud: Cloud, ready: Sequence[HostState], moved: set[uuid.UUID], threshold: int) -> Proposal | None:
    """Return the move that leaves the fuller of both hosts as empty as can be."""
    fullest, best, least = ready[-1], None, use(ready[-1])
    targets = [host for host in ready[:-1] if 100 * (least - use(host)) >= threshold][:TARGETS]
    if not targets:
        return None
    rows = servers.on_host(host=fullest.name).filter(task_state="", vm_state__in=(*drains.LIVE, *drains.COLD))
    for server in rows.defer(*servers.HEAVY).order_by("created_at", "id")[:LOOKED_AT]:
        if server.id in moved or (server.vm_state in drains.LIVE and server_hardware.bound(server)):
            continue
        spec = _spec(server)
        left = use(without_server(fullest, spec))
        for host in cloud.suited(spec, targets)[0]:
            peak = max(left, use(dry_runs.with_server(host, spec)))
            if peak < least:
                best, least = Proposal(
                    server=server, source=fullest.name, host=host.name,
                    before=round(100 * use(fullest)), after=round(100 * left),
                ), peak  # fmt: skip
    return best


def use(host: HostState) -> float:
    """Return how full a host is, from 0 to 1, by the resource of which it has the smallest share left. A pool of all
    hosts' disks gets no emptier by a move.
    """
    shares = [(host.vcpus_free, host.vcpus_total), (host.ram_free, host.ram_total)]
    if not settings.ROOT_STORE:
        shares.append((host.disk_free, host.disk_total))
    return max((1 - free / total for free, total in shares if total > 0), default=1.0)


def without_server(host: HostState, spec: RequestSpec) -> HostState:
    """Return a host as it is once a server has left it."""
    return replace(
        host,
        vcpus_free=host.vcpus_free + spec.vcpus,
        ram_free=host.ram_free + spec.ram_mib,
        disk_free=host.disk_free + spec.disk_gib,
        servers=host.servers - 1,
    )


def _spec(server: Server) -> RequestSpec:
    """A host that its owner once named does not bind it any more."""
    free = copy(server)
    free.requested_host = ""
    return request_specs.of_server(free, excluded=[server.host])
