"""Application credentials and trusts delegate exactly the given roles (security classes 7 and 8)."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.identity.models import AccessRule, ApplicationCredential, Project, Role, RoleAssignment, User
from apps.identity.services import passwords
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope, token_body, trust_token, works

pytestmark = pytest.mark.django_db


def credential_body(pk: str, secret: str, scope: Any = None) -> dict[str, Any]:
    method = {"id": pk, "secret": secret}
    auth: dict[str, Any] = {"identity": {"methods": ["application_credential"], "application_credential": method}}
    return {"auth": {**auth, "scope": scope} if scope else auth}


def make(api: Api, user: User, **values: Any) -> dict[str, Any]:
    body = {"application_credential": {"name": "ci", **values}}
    answer = api.call("post", f"/v3/users/{user.pk}/application_credentials", body)
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["application_credential"])


def signed_in(made: dict[str, Any]) -> Api:
    api = Api()
    answer = api.sign_in(credential_body(made["id"], made["secret"]))
    assert answer.status_code == 201, answer.content
    api.token = answer["X-Subject-Token"]
    return api


def test_a_credential_opens_its_project_with_its_roles(as_demo: Api, demo: User, project: Project) -> None:
    made = make(as_demo, demo, roles=[{"name": "reader"}])
    assert made["secret"] and made["project_id"] == project.pk
    shown = as_demo.call("get", f"/v3/users/{demo.pk}/application_credentials/{made['id']}").json()
    assert "secret" not in shown["application_credential"]
    token = Api().sign_in(credential_body(made["id"], made["secret"])).json()["token"]
    assert [role["name"] for role in token["roles"]] == ["reader"]
    assert token["methods"] == ["application_credential"]
    assert token["application_credential"] == {"id": made["id"], "name": "ci", "restricted": True}
    assert token["project"]["id"] == project.pk


def test_by_name_and_user(as_demo: Api, demo: User) -> None:
    made = make(as_demo, demo)
    method = {"name": "ci", "user": {"name": "demo", "domain": {"id": "default"}}, "secret": made["secret"]}
    auth = {"identity": {"methods": ["application_credential"], "application_credential": method}}
    assert Api().sign_in({"auth": auth}).status_code == 201
    method["secret"] = "wrong"
    assert Api().sign_in({"auth": auth}).status_code == 401


def test_the_scope_comes_from_the_record_only(as_demo: Api, demo: User, admin: User, role: Any, grant: Any) -> None:
    """OSSA 2014-018."""
    grant(user=demo, project=Project.objects.get(name="admin"), role=role("member"))
    grant(user=demo, system=True, role=role("reader"))
    made = make(as_demo, demo)
    lent = signed_in(made)
    for scope in (project_scope("admin"), {"system": {"all": True}}, "unscoped"):
        assert lent.sign_in(credential_body(made["id"], made["secret"], scope)).status_code == 401
        assert lent.sign_in(token_body(lent.token, scope)).status_code == 401
    again = lent.sign_in(token_body(lent.token, project_scope()))
    assert again.json()["token"]["application_credential"]["id"] == made["id"]


def test_roles_that_the_giver_has_not_are_refused(as_demo: Api, demo: User) -> None:
    body = {"application_credential": {"name": "x", "roles": [{"name": "admin"}]}}
    assert as_demo.call("post", f"/v3/users/{demo.pk}/application_credentials", body).status_code == 400


def test_what_ends_a_credentials_token(as_demo: Api, demo: User, project: Project, admin: User) -> None:
    made = make(as_demo, demo)
    lent = signed_in(made)
    assert works(lent)
    RoleAssignment.objects.filter(user=demo, project=project).delete()
    assert not works(lent)
    assert Api().sign_in(credential_body(made["id"], made["secret"])).status_code == 401
    RoleAssignment.objects.create(user=demo, project=project, role=Role.objects.get(name="member"))
    assert works(lent)
    passwords.change(user=demo, password=PASSWORD)
    assert not works(lent)
    lent = signed_in(made)  # the credential itself outlives a password
    ApplicationCredential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not works(lent)
    assert Api().sign_in(credential_body(made["id"], made["secret"])).status_code == 401
    ApplicationCredential.objects.update(expires_at=None)
    assert works(lent)
    User.objects.filter(pk=demo.pk).update(enabled=False)
    assert not works(lent)
    assert Api().sign_in(credential_body(made["id"], made["secret"])).status_code == 401


def test_deleting_a_credential_ends_its_tokens(as_demo: Api, demo: User) -> None:
    made = make(as_demo, demo)
    lent = signed_in(made)
    path = f"/v3/users/{demo.pk}/application_credentials/{made['id']}"
    assert lent.call("delete", path).status_code == 403
    assert as_demo.call("delete", path).status_code == 204
    assert not works(lent)


def test_a_credentials_expiry_bounds_its_tokens(as_demo: Api, demo: User) -> None:
    soon = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    made = make(as_demo, demo, expires_at=soon)
    answer = Api().sign_in(credential_body(made["id"], made["secret"])).json()
    assert answer["token"]["expires_at"] == soon


@pytest.mark.parametrize("kind", ["restricted", "trust"])
def test_no_way_of_making_credentials_for_lent_power(
    kind: str, as_demo: Api, demo: User, project: Project, other: User
) -> None:
    """OSSA 2026-005, 2020-004, 2013-032, 2014-018: every such route, with every such token."""
    api = Api()
    if kind == "restricted":
        api = signed_in(make(as_demo, demo))
    else:
        api.token = trust_token(as_demo, demo, other, project, impersonation=True)
    for path, body in _makings(demo, other, project).items():
        assert api.call("post", path, body).status_code == 403, path


def _makings(user: User, trustee: User, project: Project) -> dict[str, dict[str, Any]]:
    """Return every call that makes a credential or a trust, with its body."""
    trust = {"trustor_user_id": user.pk, "trustee_user_id": trustee.pk, "project_id": project.pk}
    role = RoleAssignment.objects.filter(user=user, project=project).values_list("role_id", flat=True)
    return {
        f"/v3/users/{user.pk}/application_credentials": {"application_credential": {"name": "more"}},
        f"/v3/users/{user.pk}/credentials/OS-EC2": {"tenant_id": project.pk},
        f"/v2.0/users/{user.pk}/credentials/OS-EC2": {"tenant_id": project.pk},
        "/v3/credentials": {"credential": {"type": "x", "blob": "y", "user_id": user.pk}},
        "/v3/OS-TRUST/trusts": {"trust": {**trust, "impersonation": True, "roles": [{"id": role[0]}]}},
    }


@pytest.mark.parametrize("name", ["custom", "reader"])
def test_a_users_own_credentials_need_no_role_by_name(
    name: str, demo: User, project: Project, other: User, grant: Any
) -> None:
    """Keystone only checks who calls; we required the role member, which some users do not have."""
    given, _ = Role.objects.get_or_create(name=name, domain=None)
    grant(user=other, project=project, role=given)
    api = Api()
    api.token = api.sign_in(password_body("other", scope=project_scope()))["X-Subject-Token"]
    for path, body in _makings(other, demo, project).items():
        assert api.call("post", path, body).status_code == (200 if "v2.0" in path else 201), path
    listed = api.call("get", "/v3/credentials").json()["credentials"]
    for credential in listed:
        change = {"credential": {"type": credential["type"]}}
        assert api.call("patch", f"/v3/credentials/{credential['id']}", change).status_code == 200
        assert api.call("delete", f"/v3/credentials/{credential['id']}").status_code == 204
    assert len(listed) == 3
    for path, body in _makings(demo, other, project).items():
        assert api.call("post", path, body).status_code == 403, f"{path} of somebody else"


@pytest.mark.parametrize("wide", [True, False], ids=["all roles", "a reader's"])
def test_an_unrestricted_credential_reaches_its_own_project_alone(
    as_demo: Api, demo: User, project: Project, grant: Any, role: Any, wide: bool
) -> None:
    """It could read and change the user's EC2 key of another project, and get a token for that project."""
    elsewhere = Project.objects.get(name="admin")
    grant(user=demo, project=elsewhere, role=role("member"))
    owner = f"/v3/users/{demo.pk}/credentials/OS-EC2"
    here = as_demo.call("post", owner, {"tenant_id": project.pk}).json()["credential"]
    there = as_demo.call("post", owner, {"tenant_id": elsewhere.pk}).json()["credential"]
    totp = as_demo.call("post", "/v3/credentials", {"credential": {"type": "totp", "blob": "GEZDGNBV"}}).json()
    api = Api()
    api.token = api.sign_in(password_body(scope=project_scope("admin")))["X-Subject-Token"]
    far = make(api, demo, name="far")
    lent = signed_in(make(as_demo, demo, unrestricted=True, roles=[{"name": "member" if wide else "reader"}]))

    def pk(key: dict[str, Any]) -> str:
        return hashlib.sha256(key["access"].encode()).hexdigest()

    out = [pk(there), totp["credential"]["id"], *([] if wide else [pk(here)])]
    change = {"credential": {"blob": f'{{"access": "{there["access"]}", "secret": "mine"}}'}}
    for one in out:
        for method, body in (("get", None), ("patch", change), ("delete", None)):
            assert lent.call(method, f"/v3/credentials/{one}", body).status_code == 403, (method, one)
    for method in ("get", "delete"):
        assert lent.call(method, f"{owner}/{there['access']}").status_code == 403
        assert lent.call(method, f"/v3/users/{demo.pk}/application_credentials/{far['id']}").status_code == 403
    seen = [pk(here)] if wide else []
    assert [row["id"] for row in lent.call("get", "/v3/credentials").json()["credentials"]] == seen
    assert [pk(row) for row in lent.call("get", owner).json()["credentials"]] == seen
    shown = lent.call("get", f"/v3/users/{demo.pk}/application_credentials").json()["application_credentials"]
    assert [row["name"] for row in shown] == ["ci"]
    assert lent.call("post", owner, {"tenant_id": elsewhere.pk}).status_code == 403
    for where in ({}, {"project_id": elsewhere.pk}):
        made = lent.call("post", "/v3/credentials", {"credential": {"type": "x", "blob": "y", **where}})
        assert made.status_code == 403
    # A TOTP secret signs in to every project: one that was made for this project alone opened the others too.
    inside = {"credential": {"type": "totp", "blob": "GEZDGNBV", "project_id": project.pk}}
    held = as_demo.call("post", "/v3/credentials", inside).json()["credential"]["id"]
    assert lent.call("post", "/v3/credentials", inside).status_code == 403
    assert lent.call("get", f"/v3/credentials/{held}").status_code == 403
    plain = {"credential": {**inside["credential"], "type": "x"}}
    mine = lent.call("post", "/v3/credentials", plain).json()["credential"]["id"]
    assert lent.call("patch", f"/v3/credentials/{mine}", {"credential": {"type": "totp"}}).status_code == 403
    assert lent.call("delete", f"/v3/credentials/{mine}").status_code == 204
    own = lent.call("post", owner, {"tenant_id": project.pk}).json()["credential"]
    assert lent.call("get", f"{owner}/{own['access']}").json()["credential"]["secret"] == own["secret"]
    assert lent.call("delete", f"{owner}/{own['access']}").status_code == 204


def test_a_trust_reaches_no_application_credentials(as_demo: Api, demo: User, other: User, project: Project) -> None:
    made = make(as_demo, demo, access_rules=[{"service": "compute", "method": "GET", "path": "/v2.1/servers"}])
    api = Api()
    api.token = trust_token(as_demo, demo, other, project, impersonation=True)
    base = f"/v3/users/{demo.pk}"
    paths = ["application_credentials", "access_rules", f"application_credentials/{made['id']}"]
    for path in (*paths, f"access_rules/{made['access_rules'][0]['id']}"):
        assert api.call("get", f"{base}/{path}").status_code == 403, path
        assert as_demo.call("get", f"{base}/{path}").status_code == 200, path


def test_access_rules_have_a_limit_and_outlive_their_credential(as_demo: Api, demo: User, settings: Any) -> None:
    settings.ACCESS_RULES_PER_USER = 3
    rules = [{"service": "compute", "method": "GET", "path": f"/v2.1/{number}"} for number in range(4)]
    body = {"application_credential": {"name": "many", "access_rules": rules}}
    path = f"/v3/users/{demo.pk}"
    refused = as_demo.call("post", f"{path}/application_credentials", body)
    assert (refused.status_code, "access rule" in refused.json()["error"]["message"]) == (403, True)
    assert not AccessRule.objects.exists()
    assert not ApplicationCredential.objects.exists()
    made = make(as_demo, demo, access_rules=rules[:3])
    again = make(as_demo, demo, name="same", access_rules=rules[:3])
    assert {row["id"] for row in made["access_rules"]} == {row["id"] for row in again["access_rules"]}
    rule = f"{path}/access_rules/{made['access_rules'][0]['id']}"
    assert as_demo.call("delete", rule).status_code == 403
    for credential in (made, again):
        assert as_demo.call("delete", f"{path}/application_credentials/{credential['id']}").status_code == 204
    assert len(as_demo.call("get", f"{path}/access_rules").json()["access_rules"]) == 3
    assert as_demo.call("delete", rule).status_code == 204
    assert len(as_demo.call("get", f"{path}/access_rules").json()["access_rules"]) == 2


def test_an_unrestricted_credential_makes_keys_within_itself(as_demo: Api, demo: User, project: Project) -> None:
    lent = signed_in(make(as_demo, demo, unrestricted=True))
    answer = lent.call("post", f"/v3/users/{demo.pk}/credentials/OS-EC2", {"tenant_id": project.pk})
    assert answer.status_code == 201
    from apps.identity.models import Credential

    assert Credential.objects.get().application_credential_id is not None


def test_access_rules(as_demo: Api, demo: User) -> None:
    rules = [
        {"service": "identity", "method": "GET", "path": "/v3/auth/*"},
        {"service": "compute", "method": "GET", "path": "/v2.1/servers/**"},
        {"service": "network", "method": "GET", "path": "/v2.0/networks/{network_id}"},
    ]
    made = make(as_demo, demo, access_rules=rules)
    assert {rule["path"] for rule in made["access_rules"]} == {rule["path"] for rule in rules}
    lent = signed_in(made)
    assert lent.call("get", "/v3/auth/projects").status_code == 200
    assert lent.call("get", f"/v3/users/{demo.pk}").status_code == 401
    get = lent.client.get
    headers = {"X-Auth-Token": lent.token}
    assert get("/compute/v2.1/servers/x/ips", headers=headers).status_code == 404
    assert get("/compute/v2.1/flavors", headers=headers).status_code == 401
    assert get("/network/v2.0/networks", headers=headers).status_code == 401
    assert get("/network/v2.0/networks/x", headers=headers).status_code == 404
    again = make(as_demo, demo, name="two", access_rules=[{"id": made["access_rules"][0]["id"]}])
    rule_id = again["access_rules"][0]["id"]
    assert as_demo.call("delete", f"/v3/users/{demo.pk}/access_rules/{rule_id}").status_code == 403


@pytest.mark.parametrize("kind", ["restricted", "trust"])
def test_what_is_lent_reads_no_ec2_keys(
    as_demo: Api, demo: User, other: User, project: Project, role: Any, grant: Any, kind: str
) -> None:
    """A delegation of the role reader could sign with the owner's EC2 key and regain the role member."""
    made = as_demo.call("post", f"/v3/users/{demo.pk}/credentials/OS-EC2", {"tenant_id": project.pk}).json()
    key = made["credential"]
    as_demo.call("post", "/v3/credentials", {"credential": {"type": "cert", "blob": "b", "project_id": project.pk}})
    if kind == "restricted":
        api = signed_in(make(as_demo, demo, roles=[{"name": "reader"}]))
    else:
        api = Api()
        api.token = trust_token(as_demo, demo, other, project, impersonation=True)
    pk = hashlib.sha256(key["access"].encode()).hexdigest()
    for version in ("v3", "v2.0"):
        path = f"/{version}/users/{demo.pk}/credentials/OS-EC2"
        for asked in (path, f"{path}/{key['access']}"):
            refused = api.call("get", asked)
            assert (refused.status_code, key["secret"] in refused.content.decode()) == (403, False), asked
            assert key["secret"] in as_demo.call("get", asked).content.decode()
    assert api.call("get", f"/v3/credentials/{pk}").status_code == 403
    assert key["secret"] in as_demo.call("get", f"/v3/credentials/{pk}").json()["credential"]["blob"]
    for query in ("", "?type=ec2"):
        listed = api.call("get", f"/v3/credentials{query}")
        assert [row["type"] for row in listed.json()["credentials"]] == ([] if query else ["cert"])
    assert len(as_demo.call("get", "/v3/credentials").json()["credentials"]) == 2
