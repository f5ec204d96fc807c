"""Tokens: their content, lifetime and revocation (security classes 7 and 13)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.identity import keys, payloads
from apps.identity.models import Group, GroupMembership, Project, Revocation, Role, RoleAssignment, User
from apps.identity.selectors import tokens
from apps.identity.services import domains, passwords, projects, users
from apps.identity.states import MAX_RESCOPES
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope, token_body

pytestmark = pytest.mark.django_db
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"

SERVICE_TYPES = {"identity", "compute", "image", "network", "volumev3", "block-storage"}


def test_the_document_of_a_project_token(api: Api, demo: User, project: Project) -> None:
    answer = api.sign_in(password_body(scope=project_scope()))
    token = answer.json()["token"]
    assert answer.status_code == 201
    assert answer["X-Subject-Token"]
    assert "X-Auth-Token" in answer["Vary"]
    assert token["methods"] == ["password"]
    assert token["user"] == {
        "id": demo.pk,
        "name": "demo",
        "domain": {"id": "default", "name": "Default"},
        "password_expires_at": None,
    }
    assert token["project"]["id"] == project.pk
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert len(token["audit_ids"]) == 1
    assert {service["type"] for service in token["catalog"]} == SERVICE_TYPES
    assert pytest.importorskip("re").match(TIME, token["expires_at"])
    assert pytest.importorskip("re").match(TIME, token["issued_at"])


@pytest.mark.parametrize("scope", ["unscoped", {"unscoped": {}}])
def test_unscoped(api: Api, cloud: None, scope: Any) -> None:
    token = api.sign_in(password_body(scope=scope)).json()["token"]
    assert not {"project", "roles", "catalog", "domain", "system"} & set(token)


def test_no_scope_means_the_default_project_where_there_is_one(api: Api, demo: User, project: Project) -> None:
    assert api.sign_in(password_body()).json()["token"]["project"]["id"] == project.pk
    User.objects.filter(pk=demo.pk).update(default_project_id="gone")
    assert "project" not in api.sign_in(password_body()).json()["token"]


def test_system_and_domain_scope(
    api: Api, admin: User, role: Callable[[str], Role], grant: Callable[..., RoleAssignment]
) -> None:
    token = api.sign_in(password_body("admin", scope={"system": {"all": True}})).json()["token"]
    assert token["system"] == {"all": True}
    assert "admin" in [entry["name"] for entry in token["roles"]]
    assert api.sign_in(password_body("admin", scope={"domain": {"id": "default"}})).status_code == 401
    grant(user=admin, domain_id="default", role=role("admin"))
    token = api.sign_in(password_body("admin", scope={"domain": {"name": "Default"}})).json()["token"]
    assert token["domain"] == {"id": "default", "name": "Default"}


def test_a_domain_is_not_a_project_scope(api: Api, admin: User, grant: Any, role: Any) -> None:
    grant(user=admin, domain_id="default", role=role("admin"))
    assert api.sign_in(password_body("admin", scope={"project": {"id": "default"}})).status_code == 401


def test_nocatalog(as_demo: Api) -> None:
    answer = as_demo.call("get", "/v3/auth/tokens?nocatalog", **{"X-Subject-Token": as_demo.token})
    assert "catalog" not in answer.json()["token"]


def test_rescoping_keeps_the_expiry_and_chains_audit_ids(api: Api, cloud: None) -> None:
    first = api.sign_in(password_body(scope="unscoped"))
    second = api.sign_in(token_body(first["X-Subject-Token"], project_scope()))
    third = api.sign_in(token_body(second["X-Subject-Token"], project_scope()))
    one, two, three = (answer.json()["token"] for answer in (first, second, third))
    assert one["expires_at"] == two["expires_at"] == three["expires_at"]
    assert one["issued_at"] < two["issued_at"] < three["issued_at"]
    assert two["audit_ids"][1] == three["audit_ids"][1] == one["audit_ids"][0]
    assert three["methods"] == ["password", "token"]


def test_generations_end(api: Api, cloud: None) -> None:
    token = api.sign_in(password_body())["X-Subject-Token"]
    for _ in range(MAX_RESCOPES - 1):
        token = api.sign_in(token_body(token))["X-Subject-Token"]
    assert len(token) < 1024
    assert api.sign_in(token_body(token)).status_code == 401


def test_get_head_delete(as_demo: Api) -> None:
    own = {"X-Subject-Token": as_demo.token}
    assert as_demo.call("get", "/v3/auth/tokens", **own)["X-Subject-Token"] == as_demo.token
    head = as_demo.call("head", "/v3/auth/tokens", **own)
    assert head.status_code == 200
    assert head.content == b""
    assert as_demo.call("delete", "/v3/auth/tokens", **own).status_code == 204
    assert as_demo.call("get", "/v3/auth/tokens", **own).status_code == 401
    assert as_demo.call("get", "/v3/auth/projects").status_code == 401


def test_others_look_at_no_token_but_services_do(
    as_demo: Api, as_admin: Api, demo: User, project: Project, role: Any, grant: Any
) -> None:
    other = {"X-Subject-Token": as_admin.token}
    assert as_demo.call("get", "/v3/auth/tokens", **other).status_code == 403
    assert as_demo.call("delete", "/v3/auth/tokens", **other).status_code == 403
    assert as_admin.call("get", "/v3/auth/tokens", **{"X-Subject-Token": as_demo.token}).status_code == 200
    grant(user=demo, project=project, role=role("service"))
    assert as_demo.call("get", "/v3/auth/tokens", **other).status_code == 200
    assert as_demo.call("delete", "/v3/auth/tokens", **other).status_code == 403
    assert as_admin.call("get", "/v3/auth/tokens", **{"X-Subject-Token": "rubbish"}).status_code == 404


def test_revocation_kills_descendants_not_ancestors_or_siblings(api: Api, cloud: None) -> None:
    def rescoped(token: str) -> str:
        return api.sign_in(token_body(token))["X-Subject-Token"]

    root = api.sign_in(password_body())["X-Subject-Token"]
    left, right = rescoped(root), rescoped(root)
    leaf = rescoped(left)
    api.token = root
    api.call("delete", "/v3/auth/tokens", **{"X-Subject-Token": left})
    assert [tokens.validate(token) is not None for token in (root, left, leaf, right)] == [True, False, False, True]
    api.call("delete", "/v3/auth/tokens", **{"X-Subject-Token": root})
    assert not any(tokens.validate(token) for token in (root, left, leaf, right))


def test_old_revocations_go(as_demo: Api, cloud: None, settings: Any) -> None:
    settings.ALLOW_EXPIRED_SECONDS = 10
    Revocation.objects.create(audit_id="old", user_id="x", expires_at=timezone.now() - timedelta(seconds=11))
    as_demo.call("delete", "/v3/auth/tokens", **{"X-Subject-Token": as_demo.token})
    assert not Revocation.objects.filter(audit_id="old").exists()


def _disable_project(demo: User, project: Project) -> None:
    projects.update(project_id=project.pk, changes={"enabled": False})


def _disable_and_enable_project(demo: User, project: Project) -> None:
    _disable_project(demo, project)
    projects.update(project_id=project.pk, changes={"enabled": True})


def _disable_user_and_enable(demo: User, project: Project) -> None:
    users.update(user_id=demo.pk, changes={"enabled": False})
    users.update(user_id=demo.pk, changes={"enabled": True})


ENDINGS: dict[str, Callable[[User, Project], Any]] = {
    "password set": lambda demo, project: passwords.change(user=demo, password="another"),
    "password set to the same": lambda demo, project: users.update(user_id=demo.pk, changes={"password": PASSWORD}),
    "user disabled": lambda demo, project: users.update(user_id=demo.pk, changes={"enabled": False}),
    "user disabled and enabled": _disable_user_and_enable,
    "user deleted": lambda demo, project: users.delete(user_id=demo.pk),
    "project disabled": _disable_project,
    "project disabled and enabled": _disable_and_enable_project,
    "project deleted": lambda demo, project: projects.delete(project_id=project.pk),
    "domain disabled": lambda demo, project: domains.update(domain_id="default", changes={"enabled": False}),
    "roles taken away": lambda demo, project: RoleAssignment.objects.filter(user=demo).delete(),
    "role deleted": lambda demo, project: Role.objects.filter(name="member").delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rescoped", [False, True])
def test_what_ends_tokens_at_once(as_demo: Api, demo: User, project: Project, ending: str, rescoped: bool) -> None:
    if rescoped:
        as_demo.token = as_demo.sign_in(token_body(as_demo.token, project_scope()))["X-Subject-Token"]
    assert as_demo.call("get", "/v3/auth/projects").status_code == 200
    ENDINGS[ending](demo, project)
    answer = as_demo.call("get", "/v3/auth/projects")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Keystone uri=")
    assert answer.json()["error"]["title"] == "Unauthorized"


def test_a_password_that_changes_while_signing_in_leaves_no_token(cloud: None, demo: User) -> None:
    """The sign-in used the old password, so its token is invalid, whatever the clocks say."""
    from apps.identity.exceptions import Unauthorized
    from apps.identity.services import auth_methods
    from apps.identity.services import tokens as services
    from apps.identity.states import Scope

    epoch = auth_methods.microseconds(demo.tokens_valid_after)
    passwords.change(user=demo, password="another")
    with pytest.raises(Unauthorized):
        services.issue(user_id=demo.pk, user_epoch=epoch, methods=("password",), scope=Scope.UNSCOPED)


def test_a_role_taken_away_is_missing_at_once(
    as_demo: Api, demo: User, project: Project, role: Any, grant: Any
) -> None:
    grant(user=demo, project=project, role=role("admin"))
    assert as_demo.call("get", "/v3/users").status_code == 200
    RoleAssignment.objects.filter(user=demo, role=role("admin")).delete()
    assert as_demo.call("get", "/v3/users").status_code == 403


def test_roles_through_a_group_and_from_above(api: Api, demo: User, role: Any, grant: Any, admin: User) -> None:
    top = Project.objects.create(name="top", domain_id="default", parent_id="default")
    low = Project.objects.create(name="low", domain_id="default", parent=top)
    group = Group.objects.create(name="g", domain_id="default")
    GroupMembership.objects.create(group=group, user=demo)
    assert api.sign_in(password_body(scope={"project": {"id": low.pk}})).status_code == 401
    grant(group=group, project=top, role=role("reader"), inherited=True)
    assert api.sign_in(password_body(scope={"project": {"id": top.pk}})).status_code == 401
    token = api.sign_in(password_body(scope={"project": {"id": low.pk}})).json()["token"]
    assert [entry["name"] for entry in token["roles"]] == ["reader"]
    grant(group=group, domain_id="default", role=role("member"), inherited=True)
    token = api.sign_in(password_body(scope={"project": {"id": low.pk}})).json()["token"]
    assert [entry["name"] for entry in token["roles"]] == ["member", "reader"]


def test_a_user_and_a_group_of_the_same_id_share_nothing(api: Api, demo: User, role: Any, grant: Any) -> None:
    """OSSA 2014-015."""
    twin = Group.objects.create(id=demo.pk, name="twin", domain_id="default")
    elsewhere = Project.objects.create(name="elsewhere", domain_id="default", parent_id="default")
    grant(group=twin, project=elsewhere, role=role("admin"))
    assert api.sign_in(password_body(scope={"project": {"id": elsewhere.pk}})).status_code == 401


def test_a_role_of_a_domain_is_only_what_it_implies(api: Api, demo: User, project: Project, role: Any) -> None:
    local = Role.objects.create(name="admin", domain_id="default")
    RoleAssignment.objects.filter(user=demo).delete()
    RoleAssignment.objects.create(user=demo, project=project, role=local)
    assert api.sign_in(password_body(scope=project_scope())).status_code == 401
    local.implications.create(implied=role("reader"))
    token = api.sign_in(password_body(scope=project_scope())).json()["token"]
    assert [entry["name"] for entry in token["roles"]] == ["reader"]


def test_tampered_malformed_and_foreign(as_demo: Api) -> None:
    good = as_demo.token
    middle = len(good) // 2
    flipped = "A" if good[middle] != "A" else "B"
    for bad in (good[:middle] + flipped + good[middle + 1 :], good[:-1], good + "A", "x", "é", "g" * 9000, "=" * 8):
        assert tokens.validate(bad) is None
    for raw in (b"", b"\xff", b"\x01", payloads.msgpack.packb([1, "x"]), payloads.msgpack.packb([2] + [0] * 8)):
        assert tokens.validate(keys.seal(raw)) is None


def test_a_token_has_one_text(as_demo: Api, api: Api) -> None:
    """Decoders pass over signs outside the alphabet, padding, and the last sign's bits that stand for nothing."""
    good = as_demo.token
    assert tokens.validate(good) is not None
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bits = 6 * len(good) % 8  # of the last sign, that are no part of a byte
    last = alphabet.index(good[-1])
    others = [good[:-1] + alphabet[last ^ flip] for flip in range(1, 1 << bits)]
    middle = len(good) // 2
    inserted = [good[:middle] + sign + good[middle:] for sign in ("!", " ", "=", ".", "\u00e4", "\n", "+", "/")]
    around = [
        f" {good}",
        f"{good} ",
        f"{good}=",
        f"{good}==",
        f"{good}!",
        good.replace("-", "+").replace("_", "/") + "!",
    ]
    for bad in (*others, *inserted, *around):
        assert tokens.validate(bad) is None, bad
    api.token = f"{good[:9]}!{good[9:]}"
    assert api.call("get", "/v3/auth/projects").status_code == 401


def test_expired(as_demo: Api, settings: Any) -> None:
    settings.TOKEN_LIFETIME_SECONDS = 0
    token = as_demo.sign_in(password_body())["X-Subject-Token"]
    assert tokens.validate(token) is None
    assert as_demo.sign_in(token_body(token)).status_code == 401


def test_one_query_to_validate(as_demo: Api, django_assert_num_queries: Any) -> None:
    tokens.validate(as_demo.token)
    with django_assert_num_queries(1):
        assert tokens.validate(as_demo.token) is not None


def test_identity_headers_mean_nothing(as_demo: Api, api: Api, admin: User) -> None:
    spoofed = {
        "X-User-Id": admin.pk,
        "X-Roles": "admin",
        "X-Identity-Status": "Confirmed",
        "X-Is-Admin-Project": "True",
    }
    assert api.call("get", "/v3/users", **spoofed).status_code == 401
    assert as_demo.call("get", "/v3/users", **spoofed).status_code == 403
