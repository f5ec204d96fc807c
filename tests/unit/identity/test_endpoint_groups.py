"""OS-EP-FILTER: the catalog of a project's tokens shows exactly its endpoints."""

from typing import Any

import pytest

from apps.identity.models import Endpoint, Project, Region, Service
from tests.unit.identity.dialogue import Api, password_body, project_scope

pytestmark = pytest.mark.django_db
GROUPS = "/v3/OS-EP-FILTER/endpoint_groups"
PROJECTS = "/v3/OS-EP-FILTER/projects"


def seen(api: Api) -> set[tuple[str, str]]:
    """Return (type, interface) of each endpoint in a new token's catalog; the other three views must agree."""
    answer = api.sign_in(password_body(scope=project_scope()))
    text = answer["X-Subject-Token"]
    mine = Api()
    mine.token = text
    catalogs = [
        answer.json()["token"]["catalog"],
        mine.call("get", "/v3/auth/catalog").json()["catalog"],
        mine.call("get", "/v3/auth/tokens", **{"X-Subject-Token": text}).json()["token"]["catalog"],
    ]
    found = [{(entry["type"], one["interface"]) for entry in each for one in entry["endpoints"]} for each in catalogs]
    old = mine.call("get", f"/v2.0/tokens/{text}").json()["access"]["serviceCatalog"]
    assert {entry["type"] for entry in old} == {kind for kind, _ in found[0]}
    assert found[0] == found[1] == found[2]
    return found[0]


def group_of(as_admin: Api, name: str, **filters: str) -> Any:
    answer = as_admin.call("post", GROUPS, {"endpoint_group": {"name": name, "filters": filters}})
    assert answer.status_code == 201, answer.content
    return answer.json()["endpoint_group"]


def test_life_of_a_group(as_admin: Api) -> None:
    made = group_of(as_admin, "public", interface="public")
    assert made["links"]["self"].endswith(f"{GROUPS}/{made['id']}")
    assert made["description"] is None
    path = f"{GROUPS}/{made['id']}"
    assert as_admin.call("get", path).json()["endpoint_group"] == made
    assert as_admin.call("head", path).status_code == 200
    twice = as_admin.call("post", GROUPS, {"endpoint_group": {"name": "public", "filters": {"interface": "admin"}}})
    assert twice.status_code == 409
    change = {"name": "n", "description": "d", "filters": {"interface": "internal"}}
    assert as_admin.call("patch", path, {"endpoint_group": change}).json()["endpoint_group"] == {**made, **change}
    rows = as_admin.call("get", f"{path}/endpoints").json()["endpoints"]
    assert {row["interface"] for row in rows} == {"internal"}
    assert [row["id"] for row in as_admin.call("get", f"{GROUPS}?name=n").json()["endpoint_groups"]] == [made["id"]]
    assert as_admin.call("get", f"{GROUPS}?name=x").json()["endpoint_groups"] == []
    assert as_admin.call("delete", path).status_code == 204
    for method in ("get", "head", "delete"):
        assert as_admin.call(method, path).status_code == 404
    assert as_admin.call("patch", path, {"endpoint_group": {"name": "z"}}).status_code == 404


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x"},
        {"name": "x", "filters": {}},
        {"name": "x", "filters": {"url": "x"}},
        {"name": "x", "filters": {"interface": "sideways"}},
        {"name": "x", "filters": {"region_id": 5}},
        {"name": "x", "filters": []},
        {"name": "", "filters": {"interface": "public"}},
        {"filters": {"interface": "public"}},
        {"name": "x", "filters": {"interface": "public"}, "more": 1},
    ],
)
def test_what_is_no_group(as_admin: Api, values: Any) -> None:
    assert as_admin.call("post", GROUPS, {"endpoint_group": values}).status_code == 400


def test_a_group_narrows_the_catalog(as_admin: Api, api: Api, project: Project) -> None:
    everything = seen(api)
    compute = Service.objects.get(type="compute")
    first, second = (
        group_of(as_admin, "c", service_id=compute.pk, interface="public"),
        group_of(as_admin, "i", interface="internal"),
    )
    paths = [f"{GROUPS}/{one['id']}/projects/{project.pk}" for one in (first, second)]
    assert as_admin.call("put", paths[0]).status_code == 204
    assert seen(api) == {("compute", "public")}
    assert as_admin.call("put", paths[0]).status_code == 409
    assert as_admin.call("put", paths[1]).status_code == 204
    assert seen(api) == {("compute", "public")} | {one for one in everything if one[1] == "internal"}
    found = as_admin.call("get", paths[0]).json()["project_endpoint_group"]
    assert (found["endpoint_group_id"], found["project_id"]) == (first["id"], project.pk)
    assert as_admin.call("head", paths[0]).status_code == 200
    rows = as_admin.call("get", f"{GROUPS}/{first['id']}/projects").json()["projects"]
    assert [row["id"] for row in rows] == [project.pk]
    rows = as_admin.call("get", f"{PROJECTS}/{project.pk}/endpoint_groups").json()["endpoint_groups"]
    assert {row["id"] for row in rows} == {first["id"], second["id"]}
    rows = as_admin.call("get", f"{PROJECTS}/{project.pk}/endpoints").json()["endpoints"]
    assert {row["interface"] for row in rows} == {"public", "internal"}
    assert as_admin.call("delete", f"{GROUPS}/{second['id']}").status_code == 204
    assert seen(api) == {("compute", "public")}
    assert as_admin.call("delete", paths[0]).status_code == 204
    assert as_admin.call("delete", paths[0]).status_code == 404
    assert as_admin.call("get", paths[0]).status_code == 404
    assert seen(api) == everything


def test_a_single_endpoint(as_admin: Api, api: Api, project: Project) -> None:
    everything = seen(api)
    endpoint = Endpoint.objects.get(service__type="image", interface="public")
    path = f"{PROJECTS}/{project.pk}/endpoints/{endpoint.pk}"
    assert as_admin.call("head", path).status_code == 404
    assert as_admin.call("put", path).status_code == 204
    assert as_admin.call("put", path).status_code == 409
    assert as_admin.call("get", path).status_code == as_admin.call("head", path).status_code == 204
    assert seen(api) == {("image", "public")}
    rows = as_admin.call("get", f"/v3/OS-EP-FILTER/endpoints/{endpoint.pk}/projects").json()["projects"]
    assert [row["id"] for row in rows] == [project.pk]
    rows = as_admin.call("get", f"{PROJECTS}/{project.pk}/endpoints").json()["endpoints"]
    assert [row["id"] for row in rows] == [endpoint.pk]
    # A disabled endpoint is shown to nobody; a project with nothing else sees all, as one without a filter.
    as_admin.call("patch", f"/v3/endpoints/{endpoint.pk}", {"endpoint": {"enabled": False}})
    assert seen(api) == everything - {("image", "public")}
    assert as_admin.call("delete", path).status_code == 204
    assert as_admin.call("delete", path).status_code == 404


def test_others_see_what_they_saw(as_admin: Api, project: Project) -> None:
    before = as_admin.call("get", "/v3/auth/catalog").json()
    group = group_of(as_admin, "c", interface="public")
    as_admin.call("put", f"{GROUPS}/{group['id']}/projects/{project.pk}")
    assert as_admin.call("get", "/v3/auth/catalog").json() == before


def test_what_is_not_there(as_admin: Api, project: Project) -> None:
    group, endpoint = group_of(as_admin, "g", interface="public"), Endpoint.objects.all()[0]
    for path in (
        f"{GROUPS}/x/projects/{project.pk}",
        f"{GROUPS}/{group['id']}/projects/x",
        f"{PROJECTS}/x/endpoints/{endpoint.pk}",
        f"{PROJECTS}/{project.pk}/endpoints/x",
    ):
        assert [as_admin.call(method, path).status_code for method in ("get", "put", "delete")] == [404] * 3, path
    for path in (f"{PROJECTS}/x/endpoints", f"{PROJECTS}/x/endpoint_groups", "/v3/OS-EP-FILTER/endpoints/x/projects"):
        assert as_admin.call("get", path).status_code == 404


# --- OS-ENDPOINT-POLICY ---------------------------------------------------------------------------


def test_policies_of_endpoints(as_admin: Api) -> None:
    endpoint = Endpoint.objects.get(service__type="compute", interface="public")
    low = Region.objects.create(id="low", parent_id=endpoint.region_id)
    Endpoint.objects.filter(pk=endpoint.pk).update(region=low)
    body = {"policy": {"type": "t", "blob": "b"}}
    names = ("by endpoint", "by region", "by service")
    made = {name: as_admin.call("post", "/v3/policies", body).json()["policy"]["id"] for name in names}
    at_service = f"services/{endpoint.service_id}"
    targets = {
        "by service": at_service,
        "by region": f"{at_service}/regions/{low.parent_id}",
        "by endpoint": f"endpoints/{endpoint.pk}",
    }
    shown = f"/v3/endpoints/{endpoint.pk}/OS-ENDPOINT-POLICY/policy"
    assert as_admin.call("get", shown).status_code == 404
    for name, target in targets.items():  # each is nearer than the one before
        path = f"/v3/policies/{made[name]}/OS-ENDPOINT-POLICY/{target}"
        assert as_admin.call("get", path).status_code == 404
        assert as_admin.call("put", path).status_code == 204
        assert as_admin.call("put", path).status_code == 204
        assert as_admin.call("head", path).status_code == 204
        assert as_admin.call("get", shown).json()["policy"]["id"] == made[name]
        rows = as_admin.call("get", f"/v3/policies/{made[name]}/OS-ENDPOINT-POLICY/endpoints").json()["endpoints"]
        assert endpoint.pk in [row["id"] for row in rows]
    # One policy for a target: another takes its place.
    other = f"/v3/policies/{made['by service']}/OS-ENDPOINT-POLICY/endpoints/{endpoint.pk}"
    assert as_admin.call("put", other).status_code == 204
    assert as_admin.call("get", shown).json()["policy"]["id"] == made["by service"]
    assert as_admin.call("delete", other).status_code == 204
    assert as_admin.call("delete", other).status_code == 404
    assert as_admin.call("get", shown).json()["policy"]["id"] == made["by region"]
    assert as_admin.call("delete", f"/v3/policies/{made['by region']}").status_code == 204
    assert as_admin.call("get", shown).json()["policy"]["id"] == made["by service"]
    for path in (f"/v3/policies/x/OS-ENDPOINT-POLICY/{at_service}", other.replace(endpoint.pk, "x")):
        assert [as_admin.call(method, path).status_code for method in ("get", "put", "delete")] == [404] * 3
