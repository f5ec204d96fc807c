"""Registered limits, limits and policy documents."""

from typing import Any

import pytest

from apps.identity.models import Project, Service
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def registered(as_admin: Api) -> dict[str, Any]:
    service = Service.objects.get(type="compute")
    one = {"service_id": service.pk, "region_id": "RegionOne", "resource_name": "cores", "default_limit": 10}
    answer = as_admin.call("post", "/v3/registered_limits", {"registered_limits": [one]})
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["registered_limits"][0])


def test_limits(as_admin: Api, as_demo: Api, registered: dict[str, Any], project: Project) -> None:
    one = {key: registered[key] for key in ("service_id", "region_id", "resource_name")}
    other = Project.objects.get(name="admin")
    body = {"limits": [{**one, "project_id": pk, "resource_limit": 5} for pk in (project.pk, other.pk)]}
    mine, theirs = as_admin.call("post", "/v3/limits", body).json()["limits"]
    assert as_admin.call("post", "/v3/limits", body).status_code == 409
    assert [row["id"] for row in as_demo.call("get", "/v3/limits").json()["limits"]] == [mine["id"]]
    assert as_demo.call("get", f"/v3/limits/{mine['id']}").status_code == 200
    assert as_demo.call("get", f"/v3/limits/{theirs['id']}").status_code == 403
    assert len(as_admin.call("get", f"/v3/limits?project_id={other.pk}").json()["limits"]) == 1
    changed = as_admin.call("patch", f"/v3/limits/{mine['id']}", {"limit": {"resource_limit": 7}})
    assert changed.json()["limit"]["resource_limit"] == 7
    path = f"/v3/registered_limits/{registered['id']}"
    assert as_admin.call("delete", path).status_code == 403
    assert as_admin.call("patch", path, {"registered_limit": {"resource_name": "x"}}).status_code == 403
    assert as_admin.call("patch", path, {"registered_limit": {"default_limit": 3}}).status_code == 200
    for row in (mine, theirs):
        assert as_admin.call("delete", f"/v3/limits/{row['id']}").status_code == 204
    assert as_admin.call("delete", path).status_code == 204
    assert as_demo.call("get", "/v3/limits/model").json()["model"]["name"] == "flat"


def test_a_limit_needs_a_registered_one_and_one_owner(as_admin: Api, registered: dict[str, Any]) -> None:
    one = {"service_id": registered["service_id"], "resource_name": "nothing", "resource_limit": 1}
    assert as_admin.call("post", "/v3/limits", {"limits": [{**one, "domain_id": "default"}]}).status_code == 403
    assert as_admin.call("post", "/v3/limits", {"limits": [one]}).status_code == 400
    assert as_admin.call("post", "/v3/limits", {"limits": []}).status_code == 400


def test_policies(as_admin: Api, as_demo: Api) -> None:
    made = as_admin.call("post", "/v3/policies", {"policy": {"type": "application/json", "blob": {"a": "b"}}})
    policy = made.json()["policy"]
    assert policy["blob"] == '{"a":"b"}'
    assert as_admin.call("patch", f"/v3/policies/{policy['id']}", {"policy": {"blob": "x"}}).status_code == 200
    assert as_demo.call("get", f"/v3/policies/{policy['id']}").status_code == 403
    assert as_admin.call("delete", f"/v3/policies/{policy['id']}").status_code == 204


@pytest.mark.parametrize("version", ["/v3/services", "/v2.0/OS-KSADM/services"])
def test_limits_outlive_what_they_name(as_admin: Api, project: Project, version: str) -> None:
    """As in Keystone: a client deletes the service or the region first, and what was registered for it later."""
    as_admin.call("post", "/v3/regions", {"region": {"id": "above"}})
    as_admin.call("post", "/v3/regions", {"region": {"id": "below", "parent_region_id": "above"}})
    service = as_admin.call("post", "/v3/services", {"service": {"type": "t"}}).json()["service"]
    one = {"service_id": service["id"], "region_id": "below", "resource_name": "cores"}
    body = {"registered_limits": [{**one, "default_limit": 1}]}
    registered = as_admin.call("post", "/v3/registered_limits", body).json()["registered_limits"][0]
    body = {"limits": [{**one, "project_id": project.pk, "resource_limit": 2}]}
    limit = as_admin.call("post", "/v3/limits", body).json()["limits"][0]
    for path in ("/v3/regions/above", f"{version}/{service['id']}"):
        assert as_admin.call("delete", path).status_code == 204, path
    for noun, row in (("limit", limit), ("registered_limit", registered)):
        path = f"/v3/{noun}s/{row['id']}"
        shown = as_admin.call("get", path).json()[noun]
        assert {key: shown[key] for key in one} == one
        assert [row["id"] for row in as_admin.call("get", f"/v3/{noun}s").json()[f"{noun}s"]] == [row["id"]]
        assert as_admin.call("delete", path).status_code == 204
