"""Domains, projects, users, groups, roles, assignments and the catalog over HTTP."""

from typing import Any

import pytest

from apps.identity.models import Domain, Project, Service, User
from apps.identity.services import project_resources
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope

pytestmark = pytest.mark.django_db


def make(api: Api, noun: str, **values: Any) -> Any:
    answer = api.call("post", f"/v3/{noun}s", {noun: values})
    assert answer.status_code == 201, answer.content
    return answer.json()[noun]


def test_lists_have_their_envelope(as_admin: Api) -> None:
    body = as_admin.call("get", "/v3/users?name=demo").json()
    assert [user["name"] for user in body["users"]] == ["demo"]
    assert body["links"]["next"] is None
    assert body["links"]["self"].endswith("/identity/v3/users?name=demo")
    assert "password" not in body["users"][0]
    assert body["users"][0]["links"]["self"].endswith(f"/identity/v3/users/{body['users'][0]['id']}")


@pytest.mark.parametrize(
    "noun", ["users", "projects", "domains", "groups", "roles", "services", "endpoints", "regions"]
)
def test_lists_cost_the_same_however_long(as_admin: Api, noun: str, django_assert_num_queries: Any) -> None:
    as_admin.call("get", f"/v3/{noun}")
    with django_assert_num_queries(2):
        as_admin.call("get", f"/v3/{noun}")


@pytest.mark.parametrize(("word", "expected"), [("FALSE", 1), ("0", 1), ("no", 1), ("true", 2), ("1", 2)])
def test_booleans_in_queries(as_admin: Api, word: str, expected: int) -> None:
    make(as_admin, "user", name="off", enabled=False)
    assert len(as_admin.call("get", f"/v3/users?enabled={word}").json()["users"]) == expected


def test_user_life(as_admin: Api, api: Api) -> None:
    user = make(as_admin, "user", name="bob", password="one", email="b@x", description="d", colour="blue")
    assert user["colour"] == "blue"
    assert user["domain_id"] == "default"
    duplicate = as_admin.call("post", "/v3/users", {"user": {"name": "bob"}})
    assert duplicate.status_code == 409
    assert "bob" in duplicate.json()["error"]["message"]
    patched = as_admin.call("patch", f"/v3/users/{user['id']}", {"user": {"name": "rob", "colour": None, "size": 3}})
    assert patched.json()["user"]["name"] == "rob"
    assert "colour" not in patched.json()["user"]
    assert patched.json()["user"]["size"] == 3
    assert as_admin.call("patch", f"/v3/users/{user['id']}", {"user": {"domain_id": "x"}}).status_code == 400
    assert as_admin.call("delete", f"/v3/users/{user['id']}").status_code == 204
    assert as_admin.call("delete", f"/v3/users/{user['id']}").status_code == 404


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"name": "x", "enabled": "maybe"}, "enabled"),
        ({"name": "x", "enabled": None}, "enabled"),
        ({"name": "x", "password": "p" * 5000}, "password"),
        ({"name": "x", "description": "d" * 5000}, "description"),
        ({"name": "x", "options": {"unknown": True}}, "options"),
        ({"name": "x", "options": {"lock_password": "yes"}}, "options"),
        ({"name": "x", "more": "m" * 20000}, "more"),
        ({"name": "x", "more": "m\x00"}, "more"),
    ],
)
def test_bad_users(as_admin: Api, values: Any, word: str) -> None:
    answer = as_admin.call("post", "/v3/users", {"user": values})
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    assert User.objects.count() == 2


def test_nul_in_urls_is_400(as_admin: Api) -> None:
    assert as_admin.call("get", "/v3/users?name=%00").status_code == 400
    assert as_admin.call("get", "/v3/users/%00").status_code == 400


def test_changing_ones_own_password(as_demo: Api, api: Api, demo: User) -> None:
    path = f"/v3/users/{demo.pk}/password"
    wrong = {"user": {"original_password": "wrong", "password": "two"}}
    right = {"user": {"original_password": PASSWORD, "password": "two"}}
    assert as_demo.call("post", path, wrong).status_code == 401
    assert (
        as_demo.call("post", path, {"user": {"original_password": PASSWORD, "password": PASSWORD}}).status_code == 400
    )
    assert as_demo.call("post", path, right).status_code == 204
    assert as_demo.call("get", "/v3/auth/projects").status_code == 401
    assert api.sign_in(password_body(password="two")).status_code == 201
    User.objects.filter(pk=demo.pk).update(options={"lock_password": True})
    assert api.call("post", path, {"user": {"original_password": "two", "password": "3"}}).status_code == 403


def test_projects_form_a_tree(as_admin: Api) -> None:
    top = make(as_admin, "project", name="top")
    assert top["parent_id"] == top["domain_id"] == "default"
    parent = top
    for depth in range(3):
        parent = make(as_admin, "project", name=f"p{depth}", parent_id=parent["id"])
    too_deep = as_admin.call("post", "/v3/projects", {"project": {"name": "deep", "parent_id": parent["id"]}})
    assert too_deep.status_code == 403
    assert as_admin.call("delete", f"/v3/projects/{top['id']}").status_code == 403
    assert as_admin.call("patch", f"/v3/projects/{top['id']}", {"project": {"enabled": False}}).status_code == 403
    shown = as_admin.call("get", f"/v3/projects/{parent['id']}?parents_as_ids").json()["project"]
    assert list(shown["parents"]) != [top["id"]]
    shown = as_admin.call("get", f"/v3/projects/{parent['id']}?parents_as_list").json()["project"]["parents"]
    assert [row["project"]["name"] for row in shown] == ["p1", "p0", "top"], "no domain"
    tree = as_admin.call("get", f"/v3/projects/{top['id']}?subtree_as_list").json()["project"]["subtree"]
    assert [row["project"]["name"] for row in tree] == ["p0", "p1", "p2"]


def test_a_project_that_owns_something_stays(as_admin: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(project_resources, "_registered", {})
    project_resources.register(project_resources.ProjectResource(noun="servers", count=lambda project_id: 3))
    project_resources.register(project_resources.ProjectResource(noun="images", count=lambda project_id: 0))
    project = make(as_admin, "project", name="busy")
    answer = as_admin.call("delete", f"/v3/projects/{project['id']}")
    assert answer.status_code == 409
    assert "3 servers" in answer.json()["error"]["message"]
    assert "images" not in answer.json()["error"]["message"]
    assert Project.objects.filter(pk=project["id"]).exists()


def test_domains_are_projects_too(as_admin: Api) -> None:
    domain = make(as_admin, "domain", name="d")
    shown = as_admin.call("get", f"/v3/projects/{domain['id']}").json()["project"]
    assert (shown["is_domain"], shown["domain_id"], shown["parent_id"]) == (True, None, None)
    listed = as_admin.call("get", "/v3/projects?is_domain=true").json()["projects"]
    assert {row["name"] for row in listed} == {"Default", "d"}
    assert domain["id"] not in [row["id"] for row in as_admin.call("get", "/v3/projects").json()["projects"]]
    assert make(as_admin, "project", name="via projects", is_domain=True)["is_domain"]
    assert as_admin.call("delete", f"/v3/domains/{domain['id']}").status_code == 403
    make(as_admin, "user", name="inside", domain_id=domain["id"])
    make(as_admin, "project", name="inside", domain_id=domain["id"])
    as_admin.call("patch", f"/v3/domains/{domain['id']}", {"domain": {"enabled": False}})
    assert as_admin.call("delete", f"/v3/domains/{domain['id']}").status_code == 204
    assert not User.objects.filter(name="inside").exists()
    as_admin.call("patch", "/v3/domains/default", {"domain": {"description": "x"}})
    assert as_admin.call("delete", "/v3/domains/default").status_code == 403


def test_immutable(as_admin: Api) -> None:
    project = make(as_admin, "project", name="fixed", options={"immutable": True})
    path = f"/v3/projects/{project['id']}"
    assert as_admin.call("patch", path, {"project": {"name": "x"}}).status_code == 403
    assert as_admin.call("delete", path).status_code == 403
    assert as_admin.call("patch", path, {"project": {"options": {"immutable": None}}}).status_code == 200
    assert as_admin.call("delete", path).status_code == 204


def test_tags(as_admin: Api) -> None:
    project = make(as_admin, "project", name="p", tags=["a", "b"])
    assert project["tags"] == ["a", "b"]
    path = f"/v3/projects/{project['id']}/tags"
    assert as_admin.call("put", f"{path}/c").status_code == 201
    assert as_admin.call("get", f"{path}/c").status_code == 204
    assert as_admin.call("delete", f"{path}/a").status_code == 204
    assert as_admin.call("get", f"{path}/a").status_code == 404
    assert as_admin.call("get", path).json()["tags"] == ["b", "c"]
    assert len(as_admin.call("get", "/v3/projects?tags=b,c").json()["projects"]) == 1
    assert as_admin.call("get", "/v3/projects?tags=b,x").json()["projects"] == []
    assert as_admin.call("put", path, {"tags": ["x/y"]}).status_code == 400
    assert as_admin.call("put", path, {"tags": [str(n) for n in range(81)]}).status_code == 400
    assert as_admin.call("put", path, {"tags": ["x"]}).json()["tags"] == ["x"]
    twice = {"name": "q", "tags": ["a", "b", "a"]}
    assert as_admin.call("put", path, {"tags": twice["tags"]}).status_code == 400
    assert as_admin.call("post", "/v3/projects", {"project": twice}).status_code == 400
    assert as_admin.call("patch", f"/v3/projects/{project['id']}", {"project": twice}).status_code == 400
    assert as_admin.call("post", "/v3/domains", {"domain": twice}).status_code == 400
    assert as_admin.call("get", path).json()["tags"] == ["x"]


def test_groups(as_admin: Api, demo: User) -> None:
    group = make(as_admin, "group", name="g")
    member = f"/v3/groups/{group['id']}/users/{demo.pk}"
    assert as_admin.call("head", member).status_code == 404
    assert as_admin.call("put", member).status_code == 204
    assert as_admin.call("put", member).status_code == 204
    assert as_admin.call("head", member).status_code == 204
    users = as_admin.call("get", f"/v3/groups/{group['id']}/users").json()["users"]
    assert [user["name"] for user in users] == ["demo"]
    assert as_admin.call("get", f"/v3/users/{demo.pk}/groups").json()["groups"][0]["name"] == "g"
    assert as_admin.call("delete", member).status_code == 204
    assert as_admin.call("delete", member).status_code == 404


@pytest.mark.parametrize("target", ["project", "domain", "system"])
@pytest.mark.parametrize("actor", ["user", "group"])
def test_grants(as_admin: Api, role: Any, target: str, actor: str) -> None:
    """Removing a role twice does not grant it (OSSA 2013-028)."""
    who = make(as_admin, actor, name="who")
    place = "system"
    if target != "system":
        place = f"{target}s/{make(as_admin, target, name='where')['id']}"
    base = f"/v3/{place}/{actor}s/{who['id']}/roles"
    one = f"{base}/{role('reader').pk}"
    assert as_admin.call("head", one).status_code == 404
    assert as_admin.call("put", one).status_code == 204
    assert as_admin.call("put", one).status_code == 204
    assert as_admin.call("head", one).status_code == 204
    assert [row["name"] for row in as_admin.call("get", base).json()["roles"]] == ["reader"]
    listed = as_admin.call("get", f"/v3/role_assignments?{actor}.id={who['id']}&include_names").json()
    assert listed["role_assignments"][0][actor]["name"] == "who"
    assert listed["role_assignments"][0]["role"]["name"] == "reader"
    assert target in listed["role_assignments"][0]["scope"]
    assert as_admin.call("delete", one).status_code == 204
    assert as_admin.call("delete", one).status_code == 404
    assert as_admin.call("get", base).json()["roles"] == []
    assert as_admin.call("put", f"{base}/nothing").status_code == 404


def test_inherited_grants_and_the_effective_list(as_admin: Api, role: Any, demo: User) -> None:
    top = make(as_admin, "project", name="top")
    low = make(as_admin, "project", name="low", parent_id=top["id"])
    group = make(as_admin, "group", name="g")
    as_admin.call("put", f"/v3/groups/{group['id']}/users/{demo.pk}")
    inherit = f"/v3/OS-INHERIT/projects/{top['id']}/groups/{group['id']}/roles"
    assert as_admin.call("put", f"{inherit}/{role('member').pk}/inherited_to_projects").status_code == 204
    assert len(as_admin.call("get", f"{inherit}/inherited_to_projects").json()["roles"]) == 1
    query = f"/v3/role_assignments?user.id={demo.pk}&effective&include_names&scope.project.id={low['id']}"
    found = as_admin.call("get", query).json()["role_assignments"]
    assert sorted(row["role"]["name"] for row in found) == ["member", "reader"]
    assert {row["user"]["name"] for row in found} == {"demo"}
    tree = f"/v3/role_assignments?scope.project.id={top['id']}&include_subtree"
    stated = as_admin.call("get", tree).json()["role_assignments"]
    assert [row["scope"]["OS-INHERIT:inherited_to"] for row in stated] == ["projects"]


def test_roles_and_implications(as_admin: Api, role: Any) -> None:
    outer = make(as_admin, "role", name="operator")
    implies = f"/v3/roles/{outer['id']}/implies"
    assert as_admin.call("put", f"{implies}/{role('admin').pk}").status_code == 403
    assert as_admin.call("put", f"{implies}/{outer['id']}").status_code == 400
    assert as_admin.call("put", f"{implies}/{role('reader').pk}").status_code == 201
    assert as_admin.call("head", f"{implies}/{role('reader').pk}").status_code == 204
    assert as_admin.call("head", f"{implies}/{role('member').pk}").status_code == 404
    assert [row["name"] for row in as_admin.call("get", implies).json()["role_inference"]["implies"]] == ["reader"]
    assert as_admin.call("delete", f"{implies}/{role('reader').pk}").status_code == 204
    assert as_admin.call("get", f"{implies}/{role('reader').pk}").status_code == 404
    assert as_admin.call("post", "/v3/roles", {"role": {"name": "operator"}}).status_code == 409
    local = make(as_admin, "role", name="operator", domain_id="default")
    assert local["id"] not in [row["id"] for row in as_admin.call("get", "/v3/roles").json()["roles"]]
    listed = as_admin.call("get", "/v3/roles?domain_id=default").json()["roles"]
    assert [row["id"] for row in listed] == [local["id"]]


def test_domains_roles_imply_others(as_admin: Api, other_domain: Domain, role: Any) -> None:
    first, second = (make(as_admin, "role", name=name, domain_id="default") for name in ("one", "two"))
    third = make(as_admin, "role", name="three", domain_id=other_domain.pk)
    for implied in (second["id"], third["id"], role("reader").pk):
        assert as_admin.call("put", f"/v3/roles/{first['id']}/implies/{implied}").status_code == 201
    refused = as_admin.call("put", f"/v3/roles/{role('reader').pk}/implies/{first['id']}")
    assert refused.status_code == 403
    assert as_admin.call("put", f"/v3/roles/{first['id']}/implies/{role('admin').pk}").status_code == 403


def test_where_a_domains_role_is_given(as_admin: Api, demo: User, other_domain: Domain, project: Project) -> None:
    """Keystone looks at projects alone: on another domain the role stands for what it implies."""
    local = make(as_admin, "role", name="local", domain_id=other_domain.pk)["id"]
    own = make(as_admin, "project", name="own", domain_id=other_domain.pk)["id"]
    for place, code in (
        (f"projects/{own}", 204),
        (f"projects/{project.pk}", 403),
        (f"domains/{other_domain.pk}", 204),
        ("domains/default", 204),
        ("system", 400),
    ):
        answer = as_admin.call("put", f"/v3/{place}/users/{demo.pk}/roles/{local}")
        assert answer.status_code == code, place


def test_catalog_urls_fill_in_only_known_names(as_admin: Api, api: Api) -> None:
    service = make(as_admin, "service", type="volume", name="v")
    url = "http://h/$(project_id)s/%(tenant_id)s"
    endpoint = make(as_admin, "endpoint", service_id=service["id"], interface="public", url=url, region_id="RegionOne")
    catalog = as_admin.call("get", "/v3/auth/catalog").json()["catalog"]
    shown = next(entry for entry in catalog if entry["type"] == "volume")["endpoints"][0]
    project = Project.objects.get(name="admin").pk
    assert shown["url"] == f"http://h/{project}/{project}"
    assert shown["region"] == "RegionOne"
    for bad in (
        "http://h/%(admin_token)s",
        "http://h/$(SECRET_KEY)s",
        "http://h/%(project_id)d",
        "http://h/$(x",
        "ftp://h",
    ):
        body = {"endpoint": {"service_id": service["id"], "interface": "public", "url": bad}}
        assert as_admin.call("post", "/v3/endpoints", body).status_code == 400, bad
    system = api.sign_in(password_body("admin", scope={"system": {"all": True}})).json()["token"]["catalog"]
    assert [entry["endpoints"] for entry in system if entry["type"] == "volume"] == [[]]
    as_admin.call("patch", f"/v3/endpoints/{endpoint['id']}", {"endpoint": {"enabled": False}})
    catalog = as_admin.call("get", "/v3/auth/catalog").json()["catalog"]
    assert [entry["endpoints"] for entry in catalog if entry["type"] == "volume"] == [[]]


def test_regions(as_admin: Api) -> None:
    region = make(as_admin, "region", id="two", parent_region_id="RegionOne")
    assert region["parent_region_id"] == "RegionOne"
    assert as_admin.call("patch", "/v3/regions/RegionOne", {"region": {"parent_region_id": "two"}}).status_code == 400
    assert as_admin.call("post", "/v3/regions", {"region": {"id": "two"}}).status_code == 409
    assert as_admin.call("delete", "/v3/regions/RegionOne").status_code == 403
    assert as_admin.call("delete", "/v3/regions/two").status_code == 204
    missing = {"endpoint": {"service_id": "none", "interface": "public", "url": "http://h"}}
    assert as_admin.call("post", "/v3/endpoints", missing).status_code == 400
    assert Service.objects.count() == 6


def test_discovery_needs_no_token(api: Api) -> None:
    root = api.call("get", "")
    assert root.status_code == 300
    assert root["Location"].endswith("/identity/v3/")
    version = root.json()["versions"]["values"][0]
    assert set(version) == {"id", "status", "updated", "links", "media-types"}
    for path in ("/v3", "/v3/", "//v3"):
        assert api.call("get", path).json()["version"] == version
    assert api.call("get", "/v3/nothing").json()["error"]["code"] == 404
    assert api.call("put", "/v3", {}).json()["error"]["code"] == 405


def test_what_a_token_could_be_for(as_demo: Api, as_admin: Api) -> None:
    assert [row["name"] for row in as_demo.call("get", "/v3/auth/projects").json()["projects"]] == ["demo"]
    assert as_demo.call("get", "/v3/auth/domains").json()["domains"] == []
    assert as_demo.call("get", "/v3/auth/system").json()["system"] == []
    assert as_admin.call("get", "/v3/auth/system").json()["system"] == [{"all": True}]
    unscoped = Api()
    unscoped.token = unscoped.sign_in(password_body(scope="unscoped"))["X-Subject-Token"]
    assert unscoped.call("get", "/v3/auth/catalog").status_code == 403
    assert unscoped.sign_in(password_body(scope=project_scope())).status_code == 201
