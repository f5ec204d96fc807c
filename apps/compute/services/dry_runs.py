"""Dry runs: whether servers would fit now, by the scheduler's own filters and weighers, with nothing written."""

from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute.selectors import request_specs
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_groups, server_requests
from apps.compute.services.server_requests import ServerRequest, limits
from apps.networking.values import InterfacePermissions
from apps.quotas.exceptions import QuotaExceeded
from apps.scheduling import candidates
from apps.scheduling.engine import ranking
from apps.scheduling.engine.ranking import Verdict
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import topologies
from apps.scheduling.specs import HostState, RequestSpec

MAX_SERVERS = 100  # of one dry run
POOL = 50  # the best hosts, which are ranked again for each further server


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """``hosts`` are where the servers would go, in their order; ``reason`` says why there are fewer than ``asked``.

    ``explanation`` is for administrators, in the form that is kept with a run: of the first server, or of the first
    that found no place.
    """

    asked: int
    hosts: list[str]
    reason: str = ""
    explanation: dict[str, Any] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        return len(self.hosts) == self.asked

    @property
    def message(self) -> str:
        """Return the answer as a sentence for users: no host is named."""
        if self.fits:
            return "It would fit now." if self.asked == 1 else f"All {self.asked} servers would fit now."
        if self.asked == 1 or not self.hosts:
            return f"It would not fit now. {self.reason}"
        return f"{len(self.hosts)} of {self.asked} servers would fit now. Of the next: {self.reason}"


def run(
    *,
    context: RequestContext,
    values: dict[str, Any],
    hints: dict[str, Any],
    permissions: InterfacePermissions,
    counted: bool = True,
) -> DryRun:
    """Return what the scheduler would do now with a validated body of POST /servers.

    Raises whatever the request itself would be refused with; ``counted`` False leaves quotas out. The transaction is
    rolled back: nothing that resolving a request makes (the project's automatic network, say) stays.
    """
    most = values["max_count"]
    if most > MAX_SERVERS:
        raise BadRequest(
            f"Invalid input for field/attribute max_count: a dry run is for at most {MAX_SERVERS} servers."
        )
    with transaction.atomic():
        try:
            request = server_requests.resolve(context=context, values=values, hints=hints, permissions=permissions)
            count, limit = _allowed(context, request) if counted else (most, "")
            spec = request_specs.of_server(request.template, excluded=[])
            everything = candidates.everything()
        finally:
            transaction.set_rollback(True)
    result = _simulate(everything, spec, count)
    return replace(result, asked=most, reason=result.reason or limit)


def refusal(spec: RequestSpec) -> str:
    """Return why no host would take a server now; "" if one would."""
    return _simulate(candidates.everything(), spec, 1).reason


def _allowed(context: RequestContext, request: ServerRequest) -> tuple[int, str]:
    """Return as many as the quotas have room for, and why not one more. Raises QuotaExceeded (403) below the least."""
    usage, most = selectors.usage_of(request.template.flavor), request.max_count
    count, limit = limits.room(context=context, usage=usage, least=request.min_count, most=most), ""
    while count < most and not limit:  # once, as a rule: unless room was freed meanwhile
        try:
            count = limits.room(context=context, usage=usage, least=count + 1, most=most)
        except QuotaExceeded as error:
            limit = error.message
    if request.template.group_id:
        server_groups.check_room(context=context, group_id=request.template.group_id, adding=count)
    return count, limit


def _simulate(everything: list[HostState], spec: RequestSpec, count: int) -> DryRun:
    """Place one server after another in memory: each takes its amounts from the chosen host.

    If an administrator names a host, no other is considered, as in the scheduler.
    """
    zones = {host.name: host.zone for host in everything}
    cloud = {host.id: host for host in everything if spec.force_host in (None, host.name)}
    pool: list[HostState] | None = None
    rooms = topologies.Rooms()
    placed: list[str] = []
    first: dict[str, Any] = {}
    while len(placed) < count:
        leaning = candidates.leaning(spec=spec, zones=zones)
        verdict = ranking.rank(hosts=pool if pool is not None else list(cloud.values()), spec=leaning)
        suited = [host for host in verdict.hosts if suits(host, spec) and rooms.has(host, spec.topology)]
        if not suited:
            if pool is None:
                return _refused(list(cloud.values()), spec, verdict, count, placed)
            pool = None  # of all hosts, the last word
            continue
        first = first or {**_explanation(verdict, len(cloud)), "hosts": len(everything)}
        chosen = with_server(suited[0], spec)
        cloud[chosen.id] = chosen
        rooms.take(chosen, spec.topology)
        pool = [cloud[host.id] for host in suited[: max(count, POOL)]]
        placed.append(chosen.name)
        spec = _with_member(spec, chosen.name)
    return DryRun(asked=count, hosts=placed, explanation=first)


def suits(host: HostState, spec: RequestSpec) -> bool:
    """A host that an administrator names passes few filters; its group's policy still holds."""
    return not (spec.group and request_specs.breaks_policy(spec.group, host.name))


def with_server(host: HostState, spec: RequestSpec) -> HostState:
    """Return a host as it is once a server has taken its amounts."""
    return replace(
        host,
        vcpus_free=host.vcpus_free - spec.vcpus,
        ram_free=host.ram_free - spec.ram_mib,
        disk_free=host.disk_free - spec.disk_gib,
        servers=host.servers + 1,
        io_ops=host.io_ops + 1,
    )


def _with_member(spec: RequestSpec, host: str) -> RequestSpec:
    if spec.group is None:
        return spec
    members = {**spec.group.members, host: spec.group.members.get(host, 0) + 1}
    return replace(spec, group=replace(spec.group, members=members))


def _explanation(verdict: Verdict, considered: int) -> dict[str, Any]:
    parts = {"filters": verdict.table, "candidates": verdict.candidates, "misses": verdict.misses}
    return {"considered": considered, **{name: value for name, value in parts.items() if value}}


def _refused(looked_at: list[HostState], spec: RequestSpec, verdict: Verdict, count: int, placed: list[str]) -> DryRun:
    reason = reason_of(looked_at, spec, verdict)
    return DryRun(asked=count, hosts=placed, reason=reason, explanation=_explanation(verdict, len(looked_at)))


def reason_of(looked_at: list[HostState], spec: RequestSpec, verdict: Verdict) -> str:
    """Return why no host is left, as a run would be refused."""
    if spec.topology is not None and any(suits(host, spec) for host in verdict.hosts):
        return topologies.refusal(verdict.hosts).message
    reason = request_specs.policy_reason(spec) if verdict.hosts else ranking.explain(verdict=verdict, hosts=looked_at)
    return NoValidHost(reason=reason).message
