"""Identity v2.0, for clients that know nothing newer."""

from typing import Any

import pytest

from apps.identity.models import Project, User
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db


def sign_in(api: Api, tenant: dict[str, str] | None = None, name: str = "demo", password: str = PASSWORD) -> Any:
    auth = {"passwordCredentials": {"username": name, "password": password}, **(tenant or {})}
    return api.call("post", "/v2.0/tokens", {"auth": auth})


def test_signing_in(api: Api, demo: User, project: Project) -> None:
    for tenant in ({"tenantName": "demo"}, {"tenantId": project.pk}):
        access = sign_in(api, tenant).json()["access"]
        assert access["token"]["tenant"]["name"] == "demo"
        assert [role["name"] for role in access["user"]["roles"]] == ["member", "reader"]
        nova = next(entry for entry in access["serviceCatalog"] if entry["type"] == "compute")
        assert set(nova["endpoints"][0]) == {"region", "id", "publicURL", "internalURL", "adminURL"}
    again = {"auth": {"token": {"id": access["token"]["id"]}, "tenantName": "demo"}}
    assert api.call("post", "/v2.0/tokens", again).json()["access"]["token"]["expires"] == access["token"]["expires"]


def test_refusals_are_one(api: Api, cloud: None) -> None:
    answers = [
        sign_in(api, password="x"),
        sign_in(api, name="nobody"),
        sign_in(api, {"tenantName": "admin"}),
        sign_in(api, {"tenantName": "none"}),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    for body in ({}, {"auth": {}}, {"auth": {"passwordCredentials": {"password": "x"}}}):
        assert api.call("post", "/v2.0/tokens", body).status_code == 400


def test_tokens_of_others(as_admin: Api, as_demo: Api, project: Project, caplog: Any) -> None:
    text = as_demo.token
    shown = as_admin.call("get", f"/v2.0/tokens/{text}?belongsTo={project.pk}").json()["access"]
    assert shown["user"]["name"] == "demo"
    assert as_admin.call("get", f"/v2.0/tokens/{text}?belongsTo=x").status_code == 401
    assert as_admin.call("head", f"/v2.0/tokens/{text}").status_code == 200
    assert as_admin.call("get", f"/v2.0/tokens/{text}/endpoints").json()["endpoints"]
    assert as_demo.call("get", f"/v2.0/tokens/{as_admin.token}").status_code == 403
    assert as_admin.call("delete", f"/v2.0/tokens/{text}").status_code == 204
    assert as_admin.call("get", f"/v2.0/tokens/{text}").status_code == 404
    assert text not in caplog.text


def test_tenants_users_and_roles(as_admin: Api, as_demo: Api) -> None:
    tenant = as_admin.call("post", "/v2.0/tenants", {"tenant": {"name": "t", "description": "d"}}).json()["tenant"]
    assert as_admin.call("get", "/v2.0/tenants?name=t").json()["tenant"] == tenant
    assert [row["name"] for row in as_demo.call("get", "/v2.0/tenants").json()["tenants"]] == ["demo"]
    renamed = as_admin.call("post", f"/v2.0/tenants/{tenant['id']}", {"tenant": {"name": "u"}}).json()["tenant"]
    assert renamed["name"] == "u"
    user = {"name": "bob", "password": PASSWORD, "email": "b@x", "tenantId": tenant["id"], "enabled": True}
    bob = as_admin.call("post", "/v2.0/users", {"user": user}).json()["user"]
    role = as_admin.call("get", "/v2.0/OS-KSADM/roles/member").json()["role"]
    path = f"/v2.0/tenants/{tenant['id']}/users/{bob['id']}/roles"
    assert [row["name"] for row in as_admin.call("get", path).json()["roles"]] == ["_member_"]
    assert as_admin.call("put", f"{path}/OS-KSADM/{role['id']}").status_code == 200
    assert [row["name"] for row in as_admin.call("get", path).json()["roles"]] == ["_member_", "member"]
    assert as_admin.call("put", f"{path}/OS-KSADM/{role['id']}").status_code == 409
    there = as_admin.call("get", f"/v2.0/tenants/{tenant['id']}/users").json()["users"]
    assert [row["id"] for row in there] == [bob["id"]]
    assert sign_in(Api(), name="bob").json()["access"]["token"]["tenant"]["id"] == tenant["id"]
    bobs = Api()
    bobs.token = bobs.sign_in(password_body("bob"))["X-Subject-Token"]
    change = {"user": {"password": "new", "original_password": PASSWORD}}
    answer = bobs.call("patch", f"/v2.0/OS-KSCRUD/users/{bob['id']}", change)
    assert answer.json()["access"]["token"]["id"]
    assert as_admin.call("put", f"/v2.0/users/{bob['id']}/enabled", {"user": {"enabled": False}}).status_code == 200
    assert sign_in(Api(), name="bob", password="new").status_code == 401
    assert as_admin.call("delete", f"{path}/OS-KSADM/{role['id']}").status_code == 204
    assert as_admin.call("delete", f"/v2.0/users/{bob['id']}").status_code == 204
    assert as_admin.call("delete", f"/v2.0/tenants/{tenant['id']}").status_code == 204


def test_services_endpoints_and_discovery(as_admin: Api, api: Api) -> None:
    body = {"OS-KSADM:service": {"name": "s", "type": "t", "description": ""}}
    service = as_admin.call("post", "/v2.0/OS-KSADM/services", body).json()["OS-KSADM:service"]
    urls = {f"{name}url": f"http://{name}" for name in ("public", "internal", "admin")}
    body = {"endpoint": {"region": "RegionOne", "service_id": service["id"], **urls}}
    endpoint = as_admin.call("post", "/v2.0/endpoints", body).json()["endpoint"]
    assert endpoint["publicurl"] == "http://public"
    assert endpoint["id"] in [row["id"] for row in as_admin.call("get", "/v2.0/endpoints").json()["endpoints"]]
    assert as_admin.call("delete", f"/v2.0/endpoints/{endpoint['id']}").status_code == 204
    assert as_admin.call("delete", f"/v2.0/OS-KSADM/services/{service['id']}").status_code == 204
    assert api.call("get", "/v2.0/").json()["version"]["id"] == "v2.0"
    assert api.call("get", "/v2.0/extensions").status_code == 200


def test_a_default_tenant_makes_its_user_a_member(as_admin: Api, as_demo: Api) -> None:
    made = [as_admin.call("post", "/v2.0/tenants", {"tenant": {"name": name}}).json()["tenant"] for name in "ab"]
    first, second = (tenant["id"] for tenant in made)
    body = {"user": {"name": "bob", "password": PASSWORD, "tenantId": first}}
    bob = as_admin.call("post", "/v2.0/users", body).json()["user"]
    roles = sign_in(Api(), {"tenantName": "a"}, "bob").json()["access"]["user"]["roles"]
    assert [role["name"] for role in roles] == ["_member_", "member", "reader"]
    there = as_admin.call("get", f"/v2.0/tenants/{first}/users").json()["users"]
    assert [row["id"] for row in there] == [bob["id"]]
    moved = as_admin.call("put", f"/v2.0/users/{bob['id']}", {"user": {"tenantId": second}})
    assert moved.json()["user"]["tenantId"] == second
    assert sign_in(Api(), {"tenantName": "a"}, "bob").status_code == 401
    assert sign_in(Api(), {"tenantName": "b"}, "bob").status_code == 200
    for change in ("post", "/v2.0/users", {"user": {"name": "eve", "tenantId": "nowhere"}}), (
        "put", f"/v2.0/users/{bob['id']}", {"user": {"tenantId": "nowhere"}},
    ):  # fmt: skip
        assert as_admin.call(*change).status_code == 404, change
    assert not User.objects.filter(name="eve").exists()


def test_the_admin_url(api: Api, as_admin: Api, as_demo: Api, demo: User) -> None:
    """Keystone had a separate port: there the list of tenants has all, not the caller's own."""
    catalog = sign_in(api, {"tenantName": "demo"}).json()["access"]["serviceCatalog"]
    urls = next(entry for entry in catalog if entry["type"] == "identity")["endpoints"][0]
    assert urls["adminURL"] == "http://testserver/identity/admin/v2.0"
    assert urls["publicURL"] == "http://testserver/identity/v2.0"
    assert as_demo.call("get", "/v2.0/tenants").status_code == 200
    assert as_demo.call("get", "/admin/v2.0/tenants").status_code == 403
    names = {row["name"] for row in as_admin.call("get", "/admin/v2.0/tenants").json()["tenants"]}
    assert {"admin", "demo", "service"} <= names
    assert api.call("get", "/admin/v2.0/tenants").status_code == 401
    assert as_admin.call("get", f"/admin/v2.0/users/{demo.pk}").json()["user"]["name"] == "demo"
    assert api.call("get", "/admin/v2.0").json()["version"]["id"] == "v2.0"


def test_what_old_clients_compare(api: Api, as_admin: Api, as_demo: Api, demo: User, project: Project) -> None:
    keys = {"alias", "name", "description", "namespace", "updated", "links"}
    values = api.call("get", "/v2.0/extensions").json()["extensions"]["values"]
    assert values and all(set(value) == keys and value["updated"] for value in values)
    path = f"/v2.0/users/{demo.pk}/credentials/OS-EC2"
    assert as_demo.call("post", path, {"tenant_id": project.pk}).status_code == 200
    bad = as_admin.call("head", "/v2.0/tokens/gAAAAAbad")
    assert (bad.status_code, bad.content) == (404, b"")
