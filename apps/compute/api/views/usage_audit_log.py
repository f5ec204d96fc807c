"""/os-instance_usage_audit_log: which hosts reported their servers' usage. None does: usage is read from the rows."""

from datetime import UTC, datetime

from django.utils import timezone
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.documents import usage_audit_log as documents
from apps.compute.api.views.base import ComputeView

RULE = "os_compute_api:os-instance-usage-audit-log:{}"


class UsageAuditLogsView(ComputeView):
    """The report of the last whole month."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("list"))
        return Response({"instance_usage_audit_logs": documents.render(timezone.now())})


class UsageAuditLogView(ComputeView):
    """The report of the last whole month before a time."""

    def get(self, request: Request, before: str) -> Response:
        policy.check(self.caller, RULE.format("show"))
        try:
            moment = datetime.strptime(before.partition(".")[0], documents.FORM).replace(tzinfo=UTC)
        except ValueError:
            raise BadRequest(f"Invalid timestamp for date {before[:64]}") from None
        if moment.year < 1900:
            raise BadRequest(f"Invalid timestamp for date {before[:64]}")
        return Response({"instance_usage_audit_log": documents.render(moment)})
