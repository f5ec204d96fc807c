"""The audit trail names who acted: users, delegates, and commands on this machine."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.common.models import AuditEvent
from apps.identity.models import AccessRule, Project, User
from apps.identity.services import bootstrap, passwords
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db
MACHINE = "operator on this machine"


@pytest.fixture
def other(cloud: None) -> User:
    user = User(domain_id="default", name="other")
    passwords.assign(user=user, password=PASSWORD)
    user.save()
    return user


def lend(as_demo: Api, demo: User, other: User, project: Project, impersonation: bool) -> tuple[str, Api]:
    trust = {"trustor_user_id": demo.pk, "trustee_user_id": other.pk, "project_id": project.pk}
    body = {"trust": {**trust, "impersonation": impersonation, "roles": [{"name": "member"}]}}
    pk = as_demo.call("post", "/v3/OS-TRUST/trusts", body).json()["trust"]["id"]
    AuditEvent.objects.all().delete()
    lent = Api()
    answer = lent.sign_in(password_body("other", scope={"OS-TRUST:trust": {"id": pk}}))
    assert answer.status_code == 201
    lent.token = answer["X-Subject-Token"]
    return pk, lent


@pytest.mark.parametrize("impersonation", [True, False])
def test_a_trusts_events_name_who_used_it(
    as_demo: Api, demo: User, other: User, project: Project, caplog: Any, impersonation: bool,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    """A trustee's actions were recorded as the trustor's, and the sign-in without a name."""
    pk, lent = lend(as_demo, demo, other, project, impersonation)
    caplog.clear()
    name = {"trustee_name": "other"} if impersonation else {"trustor_name": "demo"}
    told = {"type": "trust", "id": pk, "trustor": demo.pk, "trustee": other.pk, **name}
    signed_in = AuditEvent.objects.get()
    assert (signed_in.user_id, signed_in.user_name, signed_in.details["credential"]) == (other.pk, "other", told)
    caplog.set_level("INFO")
    with django_capture_on_commit_callbacks(execute=True):
        answer = lent.client.post(
            "/network/v2.0/security-groups", {"security_group": {"name": "g"}}, content_type="application/json",
            headers={"X-Auth-Token": lent.token},
        )  # fmt: skip
        assert answer.status_code == 201
        lent.client.delete(
            "/identity/v3/auth/tokens", headers={"X-Auth-Token": lent.token, "X-Subject-Token": lent.token}
        )
    acted = AuditEvent.objects.latest("id")
    assert acted.action == "revoke"
    assert acted.user_id == (demo.pk if impersonation else other.pk)
    assert acted.details["credential"] == told
    lines = [record.getMessage() for record in caplog.records if record.name in ("celerity.audit", "celerity.api")]
    assert lines
    assert [line for line in lines if pk not in line or other.pk not in line] == []


def test_an_application_credentials_events_name_it(as_demo: Api, demo: User) -> None:
    path = f"/v3/users/{demo.pk}/application_credentials"
    body = {"application_credential": {"name": "ci", "unrestricted": True}}
    made = as_demo.call("post", path, body).json()["application_credential"]
    AuditEvent.objects.all().delete()
    given = {"id": made["id"], "secret": made["secret"]}
    lent = Api()
    answer = lent.sign_in(
        {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
    )
    lent.token = answer["X-Subject-Token"]
    lent.call("post", path, {"application_credential": {"name": "second"}})
    told = {"type": "application_credential", "id": made["id"], "name": "ci"}
    assert list(AuditEvent.objects.values_list("action", "user_id", "user_name", "details__credential")) == [
        ("create", demo.pk, "demo", told),
        ("authenticate", demo.pk, "demo", told),
    ]
    as_demo.call("post", path, {"application_credential": {"name": "third"}})
    assert "credential" not in AuditEvent.objects.latest("id").details  # the request before has left nothing behind


def test_the_admin_finds_what_a_credential_did(as_demo: Api, demo: User, other: User, project: Project) -> None:
    pk, _ = lend(as_demo, demo, other, project, True)
    browser = Client()
    assert browser.login(username="admin", password=PASSWORD)
    page = browser.get(f"/admin/common/auditevent/?credential={pk}")
    assert page.status_code == 200
    assert list(page.context["cl"].queryset) == [AuditEvent.objects.get(details__credential__id=pk)]


def rows() -> list[Any]:
    return list(
        AuditEvent.objects.order_by("id").values_list("action", "target_type", "target_id", "user_name", "outcome")
    )


def test_passwords_that_commands_set(cloud: None, admin: User, demo: User) -> None:
    def run(password: str) -> None:
        bootstrap.bootstrap(admin_password=PASSWORD, demo_password=password, public_url="http://x", region="RegionOne")

    run(PASSWORD)
    assert rows() == []
    run("a new one")
    assert rows() == [("update", "user", demo.pk, MACHINE, "success")]
    bootstrap.recover_admin(password="a new one")
    assert rows()[1:] == [("update", "user", admin.pk, MACHINE, "success")]
    details = {"changed": ["password"], "command": "admin_password"}
    assert AuditEvent.objects.latest("id").details == details


def test_a_purge_has_an_actor_to_its_end(cloud: None, as_admin: Api) -> None:
    made = as_admin.call("post", "/v3/projects", {"project": {"name": "p"}}).json()["project"]
    AuditEvent.objects.all().delete()
    call_command("project_purge", "p")
    assert rows() == [(verb, "project", made["id"], MACHINE, "success") for verb in ("purge", "delete")]
    with pytest.raises(CommandError):
        call_command("project_purge", "p")


def test_deleting_an_access_rule(as_demo: Api, demo: User) -> None:
    rule = AccessRule.objects.create(user=demo, service="compute", method="GET", path="/x")
    AuditEvent.objects.all().delete()
    assert as_demo.call("delete", f"/v3/users/{demo.pk}/access_rules/{rule.pk}").status_code == 204
    assert rows() == [("delete", "access_rule", rule.pk, "demo", "success")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "disabled or expired"),
        ({"password_expires_at": "2020-01-01T00:00:00Z"}, "disabled or expired"),
        ({"options": {"multi_factor_auth_rules": [["password", "totp"]]}}, "too few methods"),
        ({}, "no role on the system"),
    ],
)
def test_right_passwords_that_open_no_page(cloud: None, demo: User, changes: dict[str, Any], reason: str) -> None:
    """Such calls were recorded as successes, or not at all."""
    User.objects.filter(pk=demo.pk).update(**changes)
    answer = Client().post("/admin/login/", {"username": "demo", "password": PASSWORD}, REMOTE_ADDR="192.0.2.9")
    assert answer.status_code == 200
    assert rows() == [("authenticate", "user", demo.pk, "demo", "failure")]
    row = AuditEvent.objects.get()
    assert (row.details, row.address) == ({"reason": reason}, "192.0.2.9")


def test_a_session_is_on_record(cloud: None, admin: User, demo: User) -> None:
    Client().post("/admin/login/", {"username": "admin", "password": PASSWORD})
    Client().post("/sign-in/login/", {"username": "demo", "password": PASSWORD})
    assert rows() == [("authenticate", "user", user.pk, user.name, "success") for user in (admin, demo)]
