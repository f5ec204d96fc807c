"""Every page of the site: who sees it, what it costs, and that bad addresses and filters break nothing."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.compute.models import Server
from apps.identity.models import ApplicationCredential, Credential, Role, RoleAssignment, User
from apps.identity.services import users
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.conftest import PASSWORD, browser

pytestmark = pytest.mark.django_db
SECRETS = ("c2VjcmV0", "argon2$", "blob$secret")
OTHERS = ("index", "password_change", "password_change_done", "search", "jsi18n")
FEW, MANY = 3, 12
# Of the pairs of a page and a bad value: one of four, each page with other values than the next. `make test-all`: all.
SHARES = pytest.mark.parametrize("share", [pytest.param(1, marks=pytest.mark.heavy), 4])
BAD_FILTERS = [
    "p=99999999999999999999999", "p=x", "o=99.-1.x", "q=%25%27%22", "e=1", "nothing=1", "id__exact=x", "pk=x",
    "created_at__year=99999999", "locked__exact=9", "enabled__exact=x", "open=x", "deleted=x", "state=x",
    "status=%F0%9F%98%80", "q=" + "x" * 3000, "state__exact=x", "_facets=1", "at__gte=x", "outcome__exact=1",
]  # fmt: skip
BAD_IDS = ["x", "0", "99999999999999999999999", str(uuid.UUID(int=7)), "_27", "%F0%9F%98%80", "a/b"]


def listing(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(model: Any) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return reverse(name, args=[rows.first_of(model).pk])


def pages() -> Iterator[tuple[str, str]]:
    """Return the name and address of every page."""
    for name in OTHERS:
        yield name, reverse(f"admin:{name}")
    for model in rows.models():
        yield f"{model._meta.label} list", listing(model)
        yield f"{model._meta.label} search", f"{listing(model)}?q=n1"
        yield f"{model._meta.label} page", page_of(model)
    yield "an address", f"{listing(Server)}?q=10.1.0.1"


def bad_pairs(values: list[str], share: int) -> Iterator[tuple[Any, str]]:
    """Return models with values that their pages are asked for."""
    for row, model in enumerate(rows.models()):
        for column, value in enumerate(values):
            if (row + column) % share == 0:
                yield model, value


def statements_of_pages(client: Client) -> dict[str, int]:
    """Return how many statements each page runs, after content types were read: a process does that once."""
    counts = {}
    for name, address in pages():
        for _ in range(2):
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(address)
            if not any("django_content_type" in statement["sql"] for statement in asked.captured_queries):
                break
        assert answer.status_code == 200, (name, answer.status_code)
        assert not [secret for secret in SECRETS if secret in answer.content.decode()], name
        counts[name] = len(asked)
    return counts


@pytest.mark.slow
def test_every_page_costs_the_same_for_many_rows_as_for_few(operator: Client) -> None:
    rows.fill(FEW)
    few = statements_of_pages(operator)
    rows.fill(MANY - FEW, start=FEW + 1)
    many = statements_of_pages(operator)
    assert {name: (few[name], many[name]) for name in few if few[name] != many[name]} == {}
    assert max(many.values()) <= 30, max(many.items(), key=lambda pair: pair[1])


def start_page(client: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return len(asked)


def test_the_start_page_costs_a_fixed_number_of_queries(operator: Client, django_assert_num_queries: Any) -> None:
    rows.fill(1)
    start_page(operator)
    with django_assert_num_queries(15):
        operator.get(reverse("admin:index"))
    rows.fill(49, start=2)
    with django_assert_num_queries(15):
        operator.get(reverse("admin:index"))


def test_the_start_page_of_an_empty_cloud(operator: Client) -> None:
    text = operator.get(reverse("admin:index")).content.decode()
    assert "No servers yet." in text
    assert "No hosts have registered yet." in text


def test_the_start_page_without_a_broker(operator: Client, settings: Any) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    assert "The broker does not answer" in operator.get(reverse("admin:index")).content.decode()


def test_a_viewer_sees_all_and_may_do_nothing(viewer: Client) -> None:
    rows.fill(1)
    for name, address in pages():
        text = viewer.get(address)
        assert text.status_code == 200, name
        assert "/do/" not in text.content.decode(), name
    before = fingerprint()
    for address in writable():
        assert viewer.post(address, {}).status_code == 403, address
        assert viewer.get(address).status_code in (200, 403), address
    assert fingerprint() == before


def writable() -> Iterator[str]:
    """Return every address of the site that accepts POST, from the site's route table."""
    from django.contrib import admin

    from apps.common.admin import operations

    for model in rows.models():
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
        pk = rows.first_of(model).pk
        for pattern in admin.site._registry[model].get_urls():
            name = pattern.name
            if name is None or name.endswith(("_operation", "_history")):
                continue
            needs = "object_id" in pattern.pattern.converters
            yield reverse(f"admin:{name}", args=[pk] if needs else [])
        for operation in operations.of(model._meta.label_lower):
            yield reverse(f"{base}operation", args=[pk, operation.name])
    yield reverse("admin:index")


def fingerprint() -> dict[str, list[str]]:
    """Return every row that has a page, as text."""
    return {model._meta.label: sorted(repr(row) for row in model.objects.values()) for model in rows.models()}


def test_a_member_has_no_admin(member: Client) -> None:
    rows.fill(1)
    for name, address in pages():
        answer = member.get(address)
        assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/"), name
    before = fingerprint()
    for address in writable():
        assert member.post(address, {}).status_code == 302, address
    assert fingerprint() == before


def test_strangers_are_asked_who_they_are() -> None:
    rows.fill(1)
    for name, address in pages():
        assert Client().get(address).status_code == 302, name


def test_a_role_that_is_taken_away_ends_the_visit(viewer: Client) -> None:
    assert viewer.get("/admin/").status_code == 200
    RoleAssignment.objects.filter(user__name="viewer").delete()
    assert viewer.get("/admin/").status_code == 302


def test_roles_on_the_system_let_in(client: Client) -> None:
    """The sign-in page refuses members, and lets in readers; a role on a project alone is not enough."""
    form = {"username": "demo", "password": PASSWORD}
    assert "your account has no system role" in client.post("/admin/login/", form).content.decode()
    demo = User.objects.get(name="demo")
    RoleAssignment.objects.create(user=demo, role=Role.objects.get(name="reader", domain=None), system=True)
    assert client.post("/admin/login/?next=/admin/", form)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    users.update(user_id=demo.pk, changes={"enabled": False})
    assert client.get("/admin/").status_code == 302


@SHARES
def test_bad_filters_break_nothing(operator: Client, share: int) -> None:
    rows.fill(1)
    for model, query in bad_pairs(BAD_FILTERS, share):
        answer = operator.get(f"{listing(model)}?{query}")
        assert answer.status_code in (200, 302, 400), (model, query)


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (User, "password"), (Server, "user_data"), (Server, "personality"), (ApplicationCredential, "secret"),
        (Credential, "blob"), (ApplicationCredential, "user__password"), (Credential, "user_id__password"),
    ],
)  # fmt: skip
def test_what_is_not_shown_cannot_be_guessed(viewer: Client, model: Any, column: str) -> None:
    """Django filters a list by any column of its rows, so matches could reveal a value letter by letter."""
    rows.fill(1)
    for value in ("a", "c2", "blob$", "argon2$"):
        for how in ("startswith", "regex", "gte"):
            assert viewer.get(f"{listing(model)}?{column}__{how}={value}").status_code == 400, (value, how)


def test_a_list_is_asked_by_its_filters(viewer: Client) -> None:
    rows.fill(1)
    assert viewer.get(f"{listing(Run)}?state__exact=failed&host=n1").status_code == 200
    assert viewer.get(f"{listing(ApplicationCredential)}?unrestricted__exact=0").status_code == 200


@SHARES
def test_bad_ids_break_nothing(operator: Client, share: int) -> None:
    rows.fill(1)
    for model, key in bad_pairs(BAD_IDS, share):
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{key}"
        for rest in ("change/", "delete/", "history/", "do/delete/", "do/nothing/", ""):
            for answer in (operator.get(f"{base}/{rest}"), operator.post(f"{base}/{rest}", {})):
                assert answer.status_code in (200, 302, 403, 404), (base, rest, answer.status_code)


def test_a_search_with_a_page_that_is_none(operator: Client) -> None:
    assert operator.get("/admin/search/?s=server&page=x").status_code == 200


def test_deleted_servers_are_shown_when_asked_for(operator: Client) -> None:
    rows.fill(1)
    Server.objects.update(deleted_at=timezone.now(), name="long-gone")
    assert "long-gone" not in operator.get(listing(Server)).content.decode()
    assert "long-gone" in operator.get(f"{listing(Server)}?deleted=yes").content.decode()


@pytest.mark.parametrize("term", ["n2", "10.2.0.1"])
def test_servers_are_found(operator: Client, term: str) -> None:
    """Servers are found by name, address, project name, or the beginning of an ID."""
    rows.fill(3)
    wanted = Server.objects.get(name="n2")
    for one in (term, str(wanted.id), str(wanted.id)[:13]):
        text = operator.get(f"{listing(Server)}?q={one}").content.decode()
        assert str(wanted.id) in text and str(Server.objects.get(name="n3").id) not in text, one


def test_an_administrator_by_flags_gets_in() -> None:
    assert browser(User.objects.get(name="admin")).get("/admin/").status_code == 200


def test_names_are_no_markup(operator: Client) -> None:
    rows.fill(1)
    evil = "<script>alert(1)</script>"
    Server.objects.update(name=evil, fault_message=evil)
    Run.objects.update(error_message=evil, error_cause=evil, explanation={"misses": [evil], "weights": {evil: 1}})
    for address in (reverse("admin:index"), listing(Server), page_of(Server), listing(Run), page_of(Run)):
        text = operator.get(address).content.decode()
        assert evil not in text and "&lt;script&gt;" in text, address


@pytest.mark.parametrize("told", [[], "x", {"filters": 5}, {"weights": [1]}, {"candidates": [1, {}], "misses": None}])
def test_an_explanation_of_another_shape_breaks_nothing(operator: Client, told: Any) -> None:
    rows.fill(1)
    Run.objects.update(explanation=told)
    assert operator.get(page_of(Run)).status_code == 200
    assert operator.get(page_of(Server)).status_code == 200


def test_secrets_of_a_rebuild_are_not_shown(operator: Client) -> None:
    """The row keeps them until its host is ready."""
    rows.fill(1)
    server = Server.objects.earliest("created_at")
    secret = {"user_data": "b2YtYS1yZWJ1aWxk", "image_id": "x"}
    Server.objects.update(rebuild=secret, rescue=secret, admin_password="b2YtYS1yZWJ1aWxk")
    page = operator.get(f"/admin/compute/server/{server.id}/change/")
    assert page.status_code == 200 and "b2YtYS1yZWJ1aWxk" not in page.content.decode()
