"""/os-hypervisors."""

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api import queries
from apps.common.api.collections import Listing
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import handler, since
from apps.compute.api.documents import hypervisors as documents
from apps.compute.api.listing import HYPERVISORS, STYLE
from apps.compute.api.views.base import ComputeView, ReadOnlyItem, WholeCollection
from apps.compute.selectors import hypervisors

RULE = "os_compute_api:os-hypervisors:{}"
PAGED = since("2.33")
FILTERED = since("2.53")
PATTERN, WITH_SERVERS = "hypervisor_hostname_pattern", "with_servers"


class _HypervisorView(ComputeView):
    detailed = False

    def wants_servers(self) -> bool:
        asked = self.request.GET.get(WITH_SERVERS) or "0"
        return self.version in FILTERED and STYLE.boolean(asked, WITH_SERVERS)

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Return the documents of hosts; 1 query for their workloads and 1 for their servers, where these are shown."""
        version, names = self.version, [host.name for host in rows]
        if self.detailed:
            busy = hypervisors.workloads(names=names)
            rendered = [documents.render(host, version, workload=busy.get(host.name, 0)) for host in rows]
        else:
            rendered = [documents.render_brief(host, version) for host in rows]
        if not self.wants_servers():
            return rendered
        servers = hypervisors.servers_on(names=names)
        return [
            documents.add_servers(hypervisor, servers.get(name, ()), version)
            for hypervisor, name in zip(rendered, names, strict=True)
        ]


class _Hypervisors(_HypervisorView, WholeCollection):
    plural = "hypervisors"

    def mark_of(self, row: Any) -> str:
        return str(row.id if self.version in documents.UUIDS else row.number)


class HypervisorsView(_Hypervisors):
    """Hypervisors: with paging from 2.33 on, filters from 2.53 on."""

    checks_query = True
    rule = RULE.format("list")

    def rows(self) -> QuerySet[Any]:
        if self.version in FILTERED:
            self.check_query(("limit", "marker", PATTERN, WITH_SERVERS), strict_since="2.53")
        pattern = self._pattern()
        return hypervisors.matching(pattern=pattern) if pattern else hypervisors.everything()

    def cut(self) -> Listing | None:
        """Return how pages are read: a marker is a UUID from 2.53 on, a number before. Matches are one page."""
        if self._pattern() and ("limit" in self.request.GET or "marker" in self.request.GET):
            raise BadRequest(f"Paging over hypervisors with the {PATTERN} query parameter is not supported.")
        if self._pattern() or self.version not in PAGED:
            return None
        by_uuid = self.version in documents.UUIDS
        return HYPERVISORS if by_uuid else replace(HYPERVISORS, marker_column="number", marker_key=queries.whole)

    def _pattern(self) -> str | None:
        return self.request.GET.get(PATTERN) if self.version in FILTERED else None


class HypervisorsDetailView(HypervisorsView):
    """Hypervisors with capacity and usage (from 2.88 on without these numbers)."""

    rule, detailed = RULE.format("list-detail"), True


class HypervisorView(_HypervisorView, ReadOnlyItem):
    """One hypervisor."""

    checks_query = True
    noun, rules = "hypervisor", "os_compute_api:os-hypervisors"
    before_row = ("show",)
    detailed = True

    def permit(self, action: str, row: Any = None) -> None:
        super().permit(action)
        if self.version in FILTERED:
            self.check_query((WITH_SERVERS,), strict_since="2.53")

    def load(self, key: str) -> Any:
        return hypervisors.get(key=key, by_uuid=self.version in documents.UUIDS)

    def render(self, row: Any) -> dict[str, Any]:
        return self.documents([row])[0]


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
        host = hypervisors.get(key=key, by_uuid=self.version in documents.UUIDS)
        if not host.is_up:
            raise BadRequest(f"Compute service of {host.name} is unavailable at this time.")
        return Response({"hypervisor": documents.render_uptime(host, self.version)})


class HypervisorSearchView(_Hypervisors):
    """Hypervisors by a part of their names: replaced by a query parameter in 2.53."""

    rule = RULE.format("search")
    versions = since("2.1", "2.52")

    def rows(self) -> QuerySet[Any]:
        return hypervisors.matching(pattern=self.kwargs["key"])


class HypervisorServersView(HypervisorSearchView):
    """Servers by a part of their hypervisors' names: replaced by a query parameter in 2.53."""

    rule = RULE.format("servers")

    def wants_servers(self) -> bool:
        return True
