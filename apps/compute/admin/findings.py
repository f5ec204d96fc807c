"""Open findings on a server's page, and the server on a finding's page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.common.admin import panels
from apps.common.identifiers import parse_uuid
from apps.compute.selectors import server_counts
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


def _subject(request: HttpRequest, finding: Any) -> panels.Panel | None:
    """Lead from a finding to the server that it is about, if it is about one."""
    key = parse_uuid(finding.subject)
    name = server_counts.names(server_ids=[key]).get(key) if key else None
    if name is None:
        return None
    link = {"text": name, "href": reverse("admin:compute_server_change", args=[str(key)])}
    return panels.pairs("About", [("server", link)], note=f"Run “celerity why {key}” for the full history.")


panels.add("workflow.finding", _subject, position=10)
