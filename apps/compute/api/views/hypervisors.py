"""/os-hypervisors."""

from dataclasses import replace
from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api import collections, queries
from apps.common.api.collections import Listing
from apps.common.api.documents import next_link
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import handler, since
from apps.compute.api.documents import hypervisors as documents
from apps.compute.api.listing import HYPERVISORS, STYLE
from apps.compute.api.queries import check
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import hypervisors

RULE = "os_compute_api:os-hypervisors:{}"
PAGED = since("2.33")
FILTERED = since("2.53")
PATTERN, WITH_SERVERS = "hypervisor_hostname_pattern", "with_servers"


class _HypervisorView(ComputeView):
    def wants_servers(self) -> bool:
        asked = self.request.GET.get(WITH_SERVERS) or "0"
        return self.request.version in FILTERED and STYLE.boolean(asked, WITH_SERVERS)

    def answer(self, hosts: list[Any], *, detailed: bool, more: bool = False) -> Response:
        version, names = self.request.version, [host.name for host in hosts]
        if detailed:
            busy = hypervisors.workloads(names=names)
            rendered = [documents.render(host, version, workload=busy.get(host.name, 0)) for host in hosts]
        else:
            rendered = [documents.render_brief(host, version) for host in hosts]
        if self.wants_servers():
            servers = hypervisors.servers_on(names=names)
            rendered = [
                documents.add_servers(hypervisor, servers.get(n, ()), version)
                for hypervisor, n in zip(rendered, names, strict=True)
            ]
        document: dict[str, Any] = {"hypervisors": rendered}
        if more:
            document["hypervisors_links"] = next_link(self.request, marker=str(rendered[-1]["id"]))
        return Response(document)


class HypervisorsView(_HypervisorView):
    """Hypervisors: with paging from 2.33 on, filters from 2.53 on."""

    rule, detailed = "list", False

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format(self.rule))
        if request.version in FILTERED:
            check(request, ("limit", "marker", PATTERN, WITH_SERVERS), strict_since="2.53")
        pattern = request.GET.get(PATTERN) if request.version in FILTERED else None
        if pattern:
            return self._matching(request, pattern)
        if request.version not in PAGED:
            return self.answer(list(hypervisors.everything()), detailed=self.detailed)
        page = collections.read(hypervisors.everything(), request.GET, self._listing())
        return self.answer(page.rows, detailed=self.detailed, more=page.more)

    def _matching(self, request: Request, pattern: str) -> Response:
        if "limit" in request.GET or "marker" in request.GET:
            raise BadRequest(f"Paging over hypervisors with the {PATTERN} query parameter is not supported.")
        return self.answer(list(hypervisors.matching(pattern=pattern)), detailed=self.detailed)

    def _listing(self) -> Listing:
        """Return how pages are read: a marker is a UUID from 2.53 on, a number before."""
        by_uuid = self.request.version in documents.UUIDS
        return HYPERVISORS if by_uuid else replace(HYPERVISORS, marker_column="number", marker_key=queries.whole)


class HypervisorsDetailView(HypervisorsView):
    """Hypervisors with capacity and usage (from 2.88 on without these numbers)."""

    rule, detailed = "list-detail", True


class HypervisorView(_HypervisorView):
    """One hypervisor."""

    def get(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("show"))
        if request.version in FILTERED:
            check(request, (WITH_SERVERS,), strict_since="2.53")
        host = hypervisors.get(key=key, by_uuid=request.version in documents.UUIDS)
        found = self.answer([host], detailed=True).data["hypervisors"]
        return Response({"hypervisor": found[0]})


class HypervisorStatisticsView(ComputeView):
    """Sums over all enabled hypervisors, until 2.87."""

    @handler("2.1", "2.87")
    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("statistics"))
        return Response({"hypervisor_statistics": documents.render_statistics(hypervisors.totals())})


class HypervisorUptimeView(ComputeView):
    """A hypervisor's uptime, until 2.87."""

    @handler("2.1", "2.87")
    def get(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("uptime"))
        host = hypervisors.get(key=key, by_uuid=request.version in documents.UUIDS)
        if not host.is_up:
            raise BadRequest(f"Compute service of {host.name} is unavailable at this time.")
        return Response({"hypervisor": documents.render_uptime(host, request.version)})


class HypervisorSearchView(_HypervisorView):
    """Hypervisors by a part of their names: replaced by a query parameter in 2.53."""

    @handler("2.1", "2.52")
    def get(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("search"))
        return self.answer(list(hypervisors.matching(pattern=key)), detailed=False)


class HypervisorServersView(_HypervisorView):
    """Servers by a part of their hypervisors' names: replaced by a query parameter in 2.53."""

    @handler("2.1", "2.52")
    def get(self, request: Request, key: str) -> Response:
        policy.check(self.caller, RULE.format("servers"))
        return self.answer(list(hypervisors.matching(pattern=key)), detailed=False)

    def wants_servers(self) -> bool:
        return True
