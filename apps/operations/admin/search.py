"""The search field on top: menu entries, and objects by name, id, address or request id."""

from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import reverse

from apps.operations.admin.navigation import MENU

# The searched models and the titles of their groups. Each uses its list's search. 1 to 3 queries each.
SEARCHED = (
    ("Servers", "compute.Server"),
    ("Hosts", "scheduling.Host"),
    ("Projects", "identity.Project"),
    ("Images", "images.Image"),
    ("Volumes", "volumes.Volume"),
    ("Runs", "workflow.Run"),
)
MOST = 5  # of each kind


def groups(site: Any, request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """Return the groups that contain something: {"title", "items": [{"title", "note", "link"}], "more"}."""
    result = [{"title": "Pages", "items": _pages(text), "more": ""}]
    result += [_objects(site, request, title, label, text) for title, label in SEARCHED]
    return [group for group in result if group["items"]]


def _pages(text: str) -> list[dict[str, Any]]:
    wanted = text.lower()
    return [
        {"title": title, "note": group, "link": reverse(f"admin:{page}_changelist")}
        for group, entries in MENU.items()
        for title, _, page in entries
        if wanted in title.lower()
    ][:MOST]


def _objects(site: Any, request: HttpRequest, title: str, label: str, text: str) -> dict[str, Any]:
    model = apps.get_model(label)
    page = site._registry[model]
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    rows, _ = page.get_search_results(request, page.get_queryset(request), text)
    matches = list(rows.order_by(*(page.ordering or model._meta.ordering or ("pk",)))[: MOST + 1])
    page.complete(request, matches[:MOST])
    items = [
        {"title": _title(row), "note": _note(row), "link": reverse(f"{base}_change", args=[row.pk])}
        for row in matches[:MOST]
    ]
    return {"title": title, "items": items, "more": reverse(f"{base}_changelist") if len(matches) > MOST else ""}


def _title(row: Any) -> str:
    if row._meta.label == "workflow.Run":
        return f"{row.action or row.pipeline} {getattr(row, 'subject_name', '') or str(row.subject_id)[:8]}"
    return str(getattr(row, "name", "") or row.pk)


def _note(row: Any) -> str:
    """Return a note that distinguishes objects of the same name."""
    state = getattr(row, "status", "") or getattr(row, "state", "")
    return " ".join(part for part in (str(state), str(row.pk)[:8]) if part)
