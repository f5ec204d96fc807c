"""Runs' subjects on pages: their names, and the ways to their own pages."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.admin import cells, panels
from apps.common.identifiers import parse_uuid
from apps.workflow import catalogue

if TYPE_CHECKING:
    from apps.workflow.models import Finding, Run


def _page(name: str) -> str:
    """Return "app_model" of the subject's page; "" without a page."""
    subject = catalogue.subject(name)
    model = apps.get_model(subject.model) if subject is not None else None
    if model is None or not admin.site.is_registered(model):
        return ""
    return f"{model._meta.app_label}_{model._meta.model_name}"


def complete(runs: Sequence[Any]) -> None:
    """Put the names of their subjects onto the runs of a list. 1 query for each type."""
    named = catalogue.names([(run.subject_type, run.subject_id) for run in runs])
    for run in runs:
        run.subject_name = named.get((run.subject_type, run.subject_id))


def cell(run: Any) -> SafeString:
    """Return a list's cell: name and short ID, linked if the subject has a row and its kind a page."""
    name: str | None = getattr(run, "subject_name", None)
    page, key = _page(run.subject_type), cells.short(run.subject_id)
    if name is None:
        return format_html("{} {}", run.subject_type, key)
    text = cells.cut(name or "unnamed")
    return format_html("{} {}", cells.link(page, run.subject_id, text) if page else text, key)


def like(text: str) -> list[uuid.UUID]:
    """Return the IDs of subjects whose names contain a text. 1 query for each type."""
    return [key for subject in catalogue.subjects() for key in subject.like(text)]


def _shown(name: str, key: uuid.UUID, text: str | None) -> Any:
    """Return a panel's value: the way to the subject's page, else its name, else its ID."""
    page = _page(name)
    if text is None or not page:
        return text or str(key)
    return {"text": text or str(key), "href": reverse(f"admin:{page}_change", args=[key])}


def _of_run(request: HttpRequest, run: "Run") -> panels.Panel:
    """Return the way to the run's subject. 1 query."""
    key = (run.subject_type, run.subject_id)
    pairs = [
        (run.subject_type, _shown(*key, catalogue.names([key]).get(key))), ("host", run.host), ("queue", run.queue),
        ("request", run.request_id),
    ]  # fmt: skip
    return panels.pairs("About", pairs)


def _of_finding(request: HttpRequest, finding: "Finding") -> panels.Panel | None:
    """Return the way to the subject that the finding is about, if it is about one. 1 query for each type."""
    key = parse_uuid(finding.subject)
    named = catalogue.names([(subject.name, key) for subject in catalogue.subjects()]) if key else {}
    pairs = [(name, _shown(name, subject_id, text)) for (name, subject_id), text in named.items()]
    note = f"Run “celerity why {key}” for the full history."
    return panels.pairs("About", pairs, note=note) if pairs else None


panels.add("workflow.run", _of_run, position=10)
panels.add("workflow.finding", _of_finding, position=10)
