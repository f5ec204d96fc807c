"""Every page carries a Content-Security-Policy and holds nothing that it forbids: no inline script, no handler."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.common import content_policy

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


class Inline(HTMLParser):
    """Collects scripts without a source, event handlers and javascript: addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and values.get("src"):
            self.sources.append(values["src"])
        elif tag == "script" and values.get("type") not in DATA:
            self.found.append("an inline script")
        self.found += [f"{tag} {name}" for name in values if name.startswith("on")]
        self.found += [f"{tag} {name}" for name, value in values.items() if value.lower().startswith("javascript:")]


def lists_and_forms() -> list[str]:
    """Return the list and the form for new rows of every model of the admin."""
    found = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
    return found


def test_every_page(operator: Any) -> None:
    wrong = []
    for path in [*PAGES, *lists_and_forms()]:
        answer = operator.get(path, headers={"Accept": "text/html"})
        if not answer["Content-Type"].startswith("text/html"):
            continue
        policy = content_policy.ADMIN if path.startswith("/admin/") else content_policy.OTHERS
        page = Inline(answer.content.decode())
        if answer.get("Content-Security-Policy") != policy:
            wrong.append(f"{path}: no policy")
        if "unsafe-inline" in policy.split("script-src")[1].split(";")[0]:
            wrong.append(f"{path}: inline scripts are allowed")
        wrong += [f"{path}: {what}" for what in page.found]
        wrong += [f"{path}: a script from elsewhere, {source}" for source in page.sources if "//" in source]
    assert not wrong, "\n".join(wrong)


def test_documents_for_programs_carry_none(operator: Any) -> None:
    assert "Content-Security-Policy" not in operator.get("/healthz")
