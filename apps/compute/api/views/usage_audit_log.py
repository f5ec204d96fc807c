"""/os-instance_usage_audit_log: which hosts reported their servers' usage. None does: usage is read from the rows."""

from datetime import UTC, datetime

from django.utils import timezone
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.views.base import ComputeView
from apps.scheduling.selectors import hosts

RULE = "os_compute_api:os-instance-usage-audit-log:{}"
FORM = "%Y-%m-%d %H:%M:%S"


def _document(before: datetime) -> dict[str, object]:
    """Return the report of the last whole month before a moment, Nova's usual period."""
    ending = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month, year = (ending.month - 1, ending.year) if ending.month > 1 else (12, ending.year - 1)
    names = sorted(host.name for host in hosts.all_hosts())
    return {
        "period_beginning": ending.replace(month=month, year=year).strftime(FORM),
        "period_ending": ending.strftime(FORM),
        "num_hosts": len(names),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(names),
        "hosts_not_run": names,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(names)} hosts done. 0 errors.",
        "log": {},
    }


class UsageAuditLogsView(ComputeView):
    """The report of the last whole month."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("list"))
        return Response({"instance_usage_audit_logs": _document(timezone.now())})


class UsageAuditLogView(ComputeView):
    """The report of the last whole month before a time."""

    def get(self, request: Request, before: str) -> Response:
        policy.check(self.caller, RULE.format("show"))
        try:
            moment = datetime.strptime(before.partition(".")[0], FORM).replace(tzinfo=UTC)
        except ValueError:
            raise BadRequest(f"Invalid timestamp for date {before[:64]}") from None
        if moment.year < 1900:
            raise BadRequest(f"Invalid timestamp for date {before[:64]}")
        return Response({"instance_usage_audit_log": _document(moment)})
