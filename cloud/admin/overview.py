"""The start page: the cloud at a glance, in a fixed number of queries."""

from typing import Any

from django.urls import reverse

from apps.compute.selectors import capacity, server_counts
from apps.scheduling.selectors import utilisation
from apps.workflow.selectors import boots, findings, queues
from cloud import broker
from cloud.admin import chart

SILENT_BROKER = "The broker does not answer. What is accepted meanwhile is sent when it is back."
FLAVORS = 12  # whose room is shown
CAUSES = 6  # of failures, by name
KINDS = {
    "ACTIVE": "good", "ERROR": "bad", "BUILD": "busy", "REBOOT": "busy", "HARD_REBOOT": "busy",
}  # fmt: skip


def look() -> dict[str, Any]:
    """Return what the start page's template shows. Times are UTC."""
    causes = boots.causes()
    busy = queues.busy()
    return {
        "totals": utilisation.totals(),
        "hosts": utilisation.hosts(),
        "statuses": _statuses(),
        "boots": chart.boots(boots.by_minute()),
        "boots_now": boots.of_late(),
        "failures": _failures(),
        "failed": sum(one["count"] for one in causes),
        "causes": causes[:CAUSES],
        "capacity": capacity.by_flavor()[:FLAVORS],
        "queues": _with_depths(busy),
        "findings": findings.still_open()[:8],
        "findings_open": sum(findings.open_by_kind().values()),
    }


def _statuses() -> dict[str, Any]:
    counts = server_counts.by_status()
    total = sum(counts.values())
    parts = [
        {"name": name, "count": count, "percent": round(100 * count / total, 2), "kind": KINDS.get(name, "idle")}
        for name, count in counts.items()
    ]
    return {"total": total, "parts": parts}


def _failures() -> list[dict[str, Any]]:
    runs = list(boots.last_failures())
    names = server_counts.names(server_ids=[run.subject_id for run in runs if run.subject_type == "server"])
    return [
        {
            "run": run,
            "name": names.get(run.subject_id, str(run.subject_id)),
            "href": reverse("admin:compute_server_change", args=[run.subject_id])
            if run.subject_id in names
            else reverse("admin:workflow_run_change", args=[run.id]),
        }
        for run in runs
    ]


def _with_depths(busy: list[queues.Queue]) -> dict[str, Any]:
    """Return queues with what the broker holds; a broker that does not answer is a sentence, at once."""
    depths = broker.depths([queue.name for queue in busy][:50] or ["scheduler"])
    note = "" if depths is not None else SILENT_BROKER
    rows = [{"queue": queue, "depth": (depths or {}).get(queue.name)} for queue in busy]
    return {"rows": rows[:12], "more": max(0, len(rows) - 12), "note": note}
