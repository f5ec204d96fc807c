"""/os-simple-tenant-usage."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request

from apps.common import policy
from apps.common.api import collections
from apps.common.api.documents import next_link
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.microversions import since
from apps.compute.api.documents import simple_tenant_usage as documents
from apps.compute.api.listing import PAGED_USAGE, WHOLE_USAGE
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import simple_tenant_usage as selectors

RULE = "os_compute_api:os-simple-tenant-usage:{}"
PAGED = since("2.40")
USUAL_PERIOD = timedelta(weeks=4)
_FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d")


def _moment(text: str | None, usual: datetime) -> datetime:
    """Read the forms of time that clients of this call send, in UTC."""
    if not text:
        return usual
    for form in _FORMS:
        try:
            return datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise BadRequest(f"Datetime is in invalid format: {text[:64]}")


class _UsageView(ComputeView):
    checks_query = True

    def read(self, request: Request, project_id: str | None) -> tuple[list[selectors.Use], bool, datetime, datetime]:
        """Return the uses in the period asked for, whether there are more, and the period."""
        paged = self.version in PAGED
        self.check_query(("start", "end", "detailed", *(("limit", "marker") if paged else ())))
        now = timezone.now()
        stop = _moment(request.GET.get("end"), now)
        start = _moment(request.GET.get("start"), stop - USUAL_PERIOD)
        if start >= stop:
            raise BadRequest("Invalid start time. The start time cannot occur after the end time.")
        stop = min(stop, now)  # nothing is known about the future
        rows = selectors.used(start=start, stop=stop, project_id=project_id)
        listing = PAGED_USAGE if paged else WHOLE_USAGE
        page = collections.read(
            rows, request.GET if paged else QueryDict(), listing, marked=lambda: selectors.ever(project_id=project_id)
        )
        uses = [selectors.use_of(server, start=start, stop=stop, now=now) for server in page.rows]
        return uses, page.more and paged, start, stop


class UsagesView(_UsageView):
    """All projects' usage in a period."""

    def get(self, request: Request) -> Response:
        if request._request.path.endswith("/"):  # the usage of one project, whose id is missing
            raise NotFound()
        policy.check(self.caller, RULE.format("list"))
        all_uses, more, start, stop = self.read(request, None)
        detailed = request.GET.get("detailed", "0") in ("1", "true", "True")
        document: dict[str, Any] = {
            "tenant_usages": [
                documents.render(project_id, uses, start=start, stop=stop, detailed=detailed)
                for project_id, uses in selectors.by_project(all_uses).items()
            ]
        }
        if more:
            document["tenant_usages_links"] = next_link(request, marker=str(all_uses[-1].server_id))
        return Response(document)


class UsageView(_UsageView):
    """A project's usage in a period. Without use its sums are 0: clients stumble over Nova's empty one."""

    def get(self, request: Request, project_id: str) -> Response:
        policy.check(self.caller, RULE.format("show"), {"project_id": project_id})
        all_uses, more, start, stop = self.read(request, project_id)
        usage = documents.render(project_id, all_uses, start=start, stop=stop, detailed=True)
        document: dict[str, Any] = {"tenant_usage": usage}
        if more:
            document["tenant_usage_links"] = next_link(request, marker=str(all_uses[-1].server_id))
        return Response(document)
