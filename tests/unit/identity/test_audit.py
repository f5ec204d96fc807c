"""The audit trail: who, from where, what, on which object, with which outcome, under which request."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.common import audit
from apps.common.models import AuditEvent
from apps.identity.models import Project, User
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope

pytestmark = pytest.mark.django_db


def events(**values: Any) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(**values).order_by("id")
    return [(row.action, row.target_type, row.target_id) for row in rows]


def test_signing_in(api: Api, demo: User, project: Project) -> None:
    answer = api.sign_in(password_body(scope=project_scope()))
    api.sign_in(password_body(password="x"))
    good, bad = AuditEvent.objects.order_by("id")
    assert (good.outcome, good.user_id, good.user_name, good.project_id) == ("success", demo.pk, "demo", project.pk)
    assert (good.address, good.request_id) == ("127.0.0.1", answer["x-openstack-request-id"])
    assert good.details["methods"] == ["password"]
    assert (bad.outcome, bad.user_id, bad.details) == ("failure", demo.pk, {"reason": "password"})


def test_changes_name_who_made_them(as_admin: Api, admin: User, role: Any) -> None:
    AuditEvent.objects.all().delete()
    user = as_admin.call("post", "/v3/users", {"user": {"name": "u", "password": "p"}}).json()["user"]
    as_admin.call("patch", f"/v3/users/{user['id']}", {"user": {"email": "e"}})
    project = as_admin.call("post", "/v3/projects", {"project": {"name": "p"}}).json()["project"]
    grant = f"/v3/projects/{project['id']}/users/{user['id']}/roles/{role('member').pk}"
    as_admin.call("put", grant)
    as_admin.call("delete", grant)
    as_admin.call("delete", f"/v3/projects/{project['id']}")
    as_admin.call("delete", f"/v3/users/{user['id']}")
    assert events() == [
        ("create", "user", user["id"]),
        ("update", "user", user["id"]),
        ("create", "project", project["id"]),
        ("grant", "user", user["id"]),
        ("revoke", "user", user["id"]),
        ("delete", "project", project["id"]),
        ("delete", "user", user["id"]),
    ]
    assert set(AuditEvent.objects.values_list("user_id", "user_name")) == {(admin.pk, "admin")}
    assert all(AuditEvent.objects.values_list("request_id", flat=True))


def test_what_is_undone_is_not_on_record(db: None, caplog: Any) -> None:
    def undone() -> None:
        with transaction.atomic():
            audit.record("create", "thing", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert not AuditEvent.objects.exists()
    assert "audit" not in caplog.text


def test_a_line_in_the_log_once_it_is_committed(db: None, caplog: Any, django_capture_on_commit_callbacks: Any) -> None:
    caplog.set_level("INFO", logger="celerity.audit")
    with django_capture_on_commit_callbacks(execute=True):
        audit.record("create", "thing", "1", user_name="me")
        assert "thing" not in caplog.text
    assert "thing" in caplog.text


def test_nobody_inherits_the_caller_of_the_request_before(as_admin: Api, api: Api, cloud: None) -> None:
    as_admin.call("get", "/v3/users")
    api.sign_in(password_body("demo", "wrong"))
    last = AuditEvent.objects.latest("id")
    assert (last.user_name, last.project_id) == ("demo", "")


def test_server_actions_and_quotas(as_admin: Api, admin: User, project: Project) -> None:
    from apps.compute import states
    from apps.compute.models import Server

    server = Server.objects.create(
        project_id=project.pk, user_id=admin.pk, name="s", hostname="s", vm_state=states.ACTIVE, reservation_id="r"
    )
    AuditEvent.objects.all().delete()
    headers = {"X-Auth-Token": as_admin.token}

    def call(method: str, path: str, body: Any) -> int:
        send = getattr(as_admin.client, method)
        return int(send(f"/compute/v2.1{path}", body, content_type="application/json", headers=headers).status_code)

    assert call("post", f"/servers/{server.id}/action", {"lock": None}) == 202
    assert call("post", f"/servers/{server.id}/action", {"os-start": None}) == 409
    assert call("put", f"/os-quota-sets/{project.pk}", {"quota_set": {"instances": 3}}) == 200
    assert events(outcome="success") == [
        ("server.lock", "server", str(server.id)),
        ("update", "quota", project.pk),
    ]
    refused = AuditEvent.objects.get(outcome="failure")
    assert (refused.action, refused.details["code"]) == ("server.os-start", 409)


def test_the_admin_page(cloud: None, api: Api) -> None:
    api.sign_in(password_body())
    browser = Client()
    assert browser.login(username="admin", password=PASSWORD)
    page = browser.get("/admin/common/auditevent/?outcome=success&q=demo")
    assert page.status_code == 200
    assert b"authenticate" in page.content
    assert browser.get("/admin/common/auditevent/add/").status_code == 403


def test_old_events_go(db: None) -> None:
    audit.record("create", "thing", "1")
    AuditEvent.objects.update(at="2020-01-01T00:00:00Z")
    audit.record("create", "thing", "2")
    assert audit.prune(days=90) == 1
    assert events() == [("create", "thing", "2")]


def test_every_refused_sign_in_of_a_user_is_on_record(api: Api, as_demo: Api, demo: User, project: Project) -> None:
    made = as_demo.call(
        "post", f"/v3/users/{demo.pk}/application_credentials", {"application_credential": {"name": "c"}}
    )
    credential = {"id": made.json()["application_credential"]["id"], "secret": "wrong"}
    by_credential = {"methods": ["application_credential"], "application_credential": credential}
    AuditEvent.objects.all().delete()
    assert api.sign_in({"auth": {"identity": by_credential}}).status_code == 401
    assert api.sign_in(password_body(scope=project_scope("admin"))).status_code == 401
    User.objects.filter(pk=demo.pk).update(enabled=False)
    assert api.sign_in(password_body()).status_code == 401
    rows = AuditEvent.objects.order_by("id").values_list("action", "outcome", "target_id", "details")
    reasons = ("application credential", "scope", "disabled or expired")
    assert list(rows) == [("authenticate", "failure", demo.pk, {"reason": reason}) for reason in reasons]


def test_refusals_do_not_fill_the_trail(api: Api, as_demo: Api, demo: User, settings: Any) -> None:
    settings.ADDRESS_FAILURES = 0
    AuditEvent.objects.all().delete()
    User.objects.filter(pk=demo.pk).update(enabled=False)
    for _ in range(13):
        assert api.sign_in(password_body()).status_code == 401
    assert AuditEvent.objects.count() == 10


def test_ending_a_token_is_on_record(as_demo: Api, demo: User) -> None:
    AuditEvent.objects.all().delete()
    assert as_demo.call("delete", "/v3/auth/tokens", **{"X-Subject-Token": as_demo.token}).status_code == 204
    row = AuditEvent.objects.get()
    assert (row.action, row.target_type, row.user_id, row.details) == ("revoke", "token", demo.pk, {"user": demo.pk})
