"""Every page carries a Content-Security-Policy and holds nothing that it forbids: no inline script, no handler."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.common import content_policy
from apps.common.admin import operations
from tests.admin import rows

pytestmark = pytest.mark.django_db
PAGES = [
    "/",
    "/api/docs/",
    "/sign-in/login/",
    "/admin/",
    "/admin/nowhere/",
    "/compute/v2.1/servers",
    "/network/v2.0/networks",
]
DATA = {"application/json", "text/template", "text/plain", "text/x-template", "application/ld+json"}
# The attributes by which an element loads something, or sends a form.
LOADS = {
    **dict.fromkeys(("script", "img", "iframe", "audio", "video", "source"), ("src",)),
    **{"link": ("href",), "form": ("action",), "button": ("formaction",)},
}


class Page(HTMLParser):
    """Collects what the policy refuses: inline scripts, handlers, javascript: URLs, plugins, other sites' files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and not values.get("src") and values.get("type") not in DATA:
            self.refused.append("an inline script")
        if tag in ("object", "embed", "applet", "base"):
            self.refused.append(tag)
        self.refused += [f"{tag} {name}" for name in values if name.startswith("on")]
        self.refused += [f"{tag} {name}" for name, value in values.items() if value.lower().startswith("javascript:")]
        loads = [name for name in LOADS.get(tag, ()) if "//" in values.get(name, "")]
        self.refused += [f"{tag} {name} from elsewhere: {values[name]}" for name in loads]


def lists_and_forms() -> list[str]:
    """Return the list and the form for new rows of every model of the admin."""
    found = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
    return found


def pages_of_objects() -> Iterator[str]:
    """Yield every page of one row of each model: to change and to delete it, its history, what can be done to it."""
    for model, model_admin in admin.site._registry.items():
        row, label = rows.first_of(model), f"{model._meta.app_label}_{model._meta.model_name}"
        for pattern in model_admin.get_urls():
            if pattern.name and str(pattern.pattern).count("<") == 1:
                yield reverse(f"admin:{pattern.name}", args=[row.pk])
        for operation in operations.of(model._meta.label_lower):
            if operation.offered(row):
                yield reverse(f"admin:{label}_operation", args=[row.pk, operation.name])


def faults(path: str, answer: Any) -> list[str]:
    """Return what a page's policy lacks, and what in the page violates it."""
    policy = content_policy.ADMIN if path.startswith("/admin/") else content_policy.OTHERS
    found = [] if answer.get("Content-Security-Policy") == policy else ["no policy"]
    if "unsafe-inline" in policy.split("script-src")[1].split(";")[0]:
        found.append("inline scripts are allowed")
    return [f"{path}: {fault}" for fault in [*found, *Page(answer.content.decode()).refused]]


def test_every_page(operator: Any) -> None:
    wrong = []
    for path in [*PAGES, *lists_and_forms()]:
        answer = operator.get(path, headers={"Accept": "text/html"})
        if answer["Content-Type"].startswith("text/html"):
            wrong += faults(path, answer)
    assert not wrong, "\n".join(wrong)


def test_every_page_of_an_object(operator: Any) -> None:
    rows.fill(1)
    wrong, seen = [], Counter[str]()
    for path in pages_of_objects():
        answer = operator.get(path, headers={"Accept": "text/html"}, follow=True)  # a history is the audit trail's
        assert answer.status_code in (200, 403), path
        seen[path.rstrip("/").rpartition("/")[2]] += answer.status_code == 200
        wrong += faults(path, answer)
    assert not wrong, "\n".join(wrong)
    assert min(seen["change"], seen["history"]) >= len(admin.site._registry) and seen["delete"] > 2, seen


def test_a_page_shows_what_its_policy_refuses() -> None:
    text = """<script>x</script><script src="//else.where/x.js"></script><a href="javascript:x()" onclick="x()">x</a>
        <base href="/x"><form action="https://else.where/"><img src="/own.png"><script src="/own.js"></script>"""
    assert len(Page(text).refused) == 6


def test_documents_for_programs_carry_none(operator: Any) -> None:
    assert "Content-Security-Policy" not in operator.get("/healthz")
