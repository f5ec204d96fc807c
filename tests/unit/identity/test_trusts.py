"""Trusts: the roles that they delegate, to whom, and what ends them."""

import pytest

from apps.identity.models import Domain, Project, Role, RoleAssignment, Trust, User
from apps.identity.services import passwords, users
from tests.unit.identity.dialogue import (
    PASSWORD,
    Api,
    make_trust,
    password_body,
    project_scope,
    token_body,
    trust_token,
    use_trust,
    works,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("impersonation", [True, False])
def test_a_trust_lends_its_roles(as_demo: Api, demo: User, other: User, project: Project, impersonation: bool) -> None:
    trust = make_trust(as_demo, demo, other, project, impersonation=impersonation)
    answer = use_trust(trust["id"])
    assert answer.status_code == 201, answer.content
    token = answer.json()["token"]
    assert token["user"]["id"] == (demo.pk if impersonation else other.pk)
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert token["OS-TRUST:trust"] == {
        "id": trust["id"],
        "impersonation": impersonation,
        "trustor_user": {"id": demo.pk},
        "trustee_user": {"id": other.pk},
    }
    api = Api()
    api.token = answer["X-Subject-Token"]
    assert works(api)
    assert api.sign_in(token_body(api.token, project_scope())).status_code == 403


@pytest.mark.parametrize("impersonation", [True, False])
@pytest.mark.parametrize("who", ["demo", "other"])
@pytest.mark.parametrize("how", ["password", "disabled", "deleted", "domain"])
def test_either_user_ends_a_trusts_token(
    as_demo: Api, demo: User, other: User, project: Project, impersonation: bool, who: str, how: str
) -> None:
    """OSSA 2014-006."""
    api = Api()
    api.token = trust_token(as_demo, demo, other, project, impersonation=impersonation)
    assert works(api)
    user = User.objects.get(name=who)
    if how == "password":
        passwords.change(user=user, password="new")
    elif how == "disabled":
        User.objects.filter(pk=user.pk).update(enabled=False)
    elif how == "deleted":
        user.delete()
    else:
        away = Domain.objects.create(name="away", enabled=False)
        User.objects.filter(pk=user.pk).update(domain_id=away.pk)
    assert not works(api)


def test_what_else_ends_a_trusts_token(as_demo: Api, demo: User, other: User, project: Project) -> None:
    trust = make_trust(as_demo, demo, other, project)
    api = Api()
    api.token = use_trust(trust["id"])["X-Subject-Token"]
    RoleAssignment.objects.filter(user=demo, project=project).update(role=Role.objects.get(name="reader"))
    assert not works(api)
    assert use_trust(trust["id"]).status_code == 401
    RoleAssignment.objects.filter(user=demo, project=project).update(role=Role.objects.get(name="member"))
    assert works(api)
    assert as_demo.call("delete", f"/v3/OS-TRUST/trusts/{trust['id']}").status_code == 204
    assert not works(api)
    assert use_trust(trust["id"]).status_code == 403
    for method in ("get", "delete"):
        assert as_demo.call(method, f"/v3/OS-TRUST/trusts/{trust['id']}").status_code == 404


def test_uses_are_counted(as_demo: Api, demo: User, other: User, project: Project) -> None:
    trust = make_trust(as_demo, demo, other, project, remaining_uses=2)
    assert [use_trust(trust["id"]).status_code for _ in range(3)] == [201, 201, 403]


def test_a_trust_is_its_trustees_alone(as_demo: Api, demo: User, other: User, project: Project, admin: User) -> None:
    trust = make_trust(as_demo, demo, other, project)
    scope = {"OS-TRUST:trust": {"id": trust["id"]}}
    assert Api().sign_in(password_body("admin", scope=scope)).status_code == 403
    assert Api().sign_in(password_body("demo", scope=scope)).status_code == 403
    stranger = Api()
    users.create(values={"name": "third", "password": PASSWORD}, default_domain_id="default")
    stranger.token = stranger.sign_in(password_body("third"))["X-Subject-Token"]
    assert stranger.call("get", f"/v3/OS-TRUST/trusts/{trust['id']}").status_code == 403
    assert stranger.call("get", "/v3/OS-TRUST/trusts").status_code == 403
    assert stranger.call("get", f"/v3/OS-TRUST/trusts?trustor_user_id={demo.pk}").status_code == 403
    assert (
        as_demo.call("get", f"/v3/OS-TRUST/trusts?trustor_user_id={demo.pk}").json()["trusts"][0]["id"] == trust["id"]
    )
    assert as_demo.call("get", f"/v3/OS-TRUST/trusts/{trust['id']}/roles").json()["roles"][0]["name"] == "member"


def test_trusts_are_made_by_the_trustor_with_own_roles(
    as_demo: Api, as_admin: Api, demo: User, other: User, project: Project
) -> None:
    body = {"trustor_user_id": demo.pk, "trustee_user_id": other.pk, "project_id": project.pk, "impersonation": True}
    for api, extra, code in (
        (as_admin, {"roles": [{"name": "member"}]}, 403),
        (as_demo, {"roles": [{"name": "admin"}]}, 400),
        (as_demo, {"roles": []}, 400),
        (as_demo, {"roles": [{"name": "member"}], "allow_redelegation": True}, 403),
        (as_demo, {"roles": [{"name": "member"}], "expires_at": "2020-01-01T00:00:00Z"}, 400),
    ):
        assert api.call("post", "/v3/OS-TRUST/trusts", {"trust": {**body, **extra}}).status_code == code, extra
    assert not Trust.objects.exists()
