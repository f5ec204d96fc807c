"""The start page: the cloud at a glance, in a fixed number of queries."""

from typing import Any

from apps.common import broker
from apps.compute.selectors import capacity, server_counts
from apps.operations.admin import chart
from apps.scheduling.selectors import utilisation
from apps.workflow import catalogue
from apps.workflow.selectors import boots, findings, queues

SILENT_BROKER = "The broker does not answer. Accepted work is queued and sent when it is back."
FLAVORS = 12  # whose room is shown
CAUSES = 8  # groups of failures
KINDS = {
    "ACTIVE": "good", "ERROR": "bad", "BUILD": "busy", "REBOOT": "busy", "HARD_REBOOT": "busy",
}  # fmt: skip


def values() -> dict[str, Any]:
    """Return the values of the start page's template. Times are UTC."""
    grouped = boots.grouped_failures()
    busy = queues.busy()
    return {
        "totals": utilisation.totals(),
        "hosts": utilisation.hosts(),
        "statuses": _statuses(),
        "boots": chart.boots(boots.by_minute()),
        "boots_now": boots.of_late(),
        "failures": _failures(grouped[:CAUSES]),
        "failed": sum(group.count for group in grouped),
        "failures_more": max(0, len(grouped) - CAUSES),
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


def _failures(groups: list[boots.Failures]) -> list[dict[str, Any]]:
    """Return the groups of failures with the newest run of each and the name of its subject. 1 query for each type."""
    keys = [(group.subject_type, group.subject_id) for group in groups]
    names = catalogue.names(keys)
    return [
        {"group": group, "name": names.get(key) or str(key[1])[:8]} for group, key in zip(groups, keys, strict=True)
    ]


def _with_depths(busy: list[queues.Queue]) -> dict[str, Any]:
    """Return queues with the broker's counts; without an answer, a sentence instead, at once."""
    depths = broker.depths([queue.name for queue in busy][:50] or ["scheduler"])
    note = "" if depths is not None else SILENT_BROKER
    rows = [{"queue": queue, "depth": (depths or {}).get(queue.name)} for queue in busy]
    return {"rows": rows[:12], "more": max(0, len(rows) - 12), "note": note}
