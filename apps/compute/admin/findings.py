"""Open findings on a server's page."""

from typing import Any

from django.urls import reverse

from apps.common.admin import panels
from apps.workflow.selectors import findings


def of_server(server: Any) -> panels.Panel | None:
    """Return the open findings about a server, or nothing where there is none. 1 query."""
    rows = [
        [
            {"text": finding.kind, "href": reverse("admin:workflow_finding_change", args=[finding.pk])},
            finding.found,
            finding.done or "none possible",
            f"{finding.first_seen_at:%Y-%m-%d %H:%M:%S}",
        ]
        for finding in findings.open_of(subject=str(server.id))
    ]
    return panels.table("Open findings", ["kind", "found", "action taken", "since"], rows, wide=True) if rows else None
