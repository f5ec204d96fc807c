"""Details that clients of Keystone rely on: refusals and protocol terms."""

from typing import Any
from urllib.parse import quote

import pytest
from django.utils.dateparse import parse_datetime

from apps.identity.models import Domain, Endpoint, GroupMembership, Project, Region, RoleAssignment, Service, User
from tests.unit.identity.dialogue import Api, password_body
from tests.unit.identity.test_resources import make

pytestmark = pytest.mark.django_db


def code(api: Api, method: str, path: str, body: Any = None) -> int:
    return int(api.call(method, path, body).status_code)


def bodies(admin: User, project: Project) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Return noun -> path, the rest of the body, and the attribute that is true or false."""
    service = Service.objects.get(type="image")
    trust = {"trustor_user_id": admin.pk, "trustee_user_id": admin.pk, "project_id": project.pk, "impersonation": True}
    return {
        "user": ("/v3/users", {"name": "x"}, "enabled"),
        "project": ("/v3/projects", {"name": "x"}, "enabled"),
        "project (is_domain)": ("/v3/projects", {"name": "x"}, "is_domain"),
        "domain": ("/v3/domains", {"name": "x"}, "enabled"),
        "service": ("/v3/services", {"type": "x"}, "enabled"),
        "endpoint": (
            "/v3/endpoints",
            {"service_id": service.pk, "interface": "public", "url": "http://x"},
            "enabled",
        ),
        "trust": ("/v3/OS-TRUST/trusts", trust, "allow_redelegation"),
        "trust (impersonation)": ("/v3/OS-TRUST/trusts", trust, "impersonation"),
        "application_credential": (
            f"/v3/users/{admin.pk}/application_credentials",
            {"name": "x"},
            "unrestricted",
        ),
        "user (v2.0)": ("/v2.0/users", {"name": "x"}, "enabled"),
        "tenant": ("/v2.0/tenants", {"name": "x"}, "enabled"),
    }


@pytest.mark.parametrize("value", ["FALSE", "true", "0", "", 0, 1, None, [], {}])
def test_true_and_false_are_no_words(as_admin: Api, admin: User, project: Project, value: Any) -> None:
    for noun, (path, values, name) in bodies(admin, project).items():
        answer = as_admin.call("post", path, {noun.split(" ")[0]: {**values, name: value}})
        assert answer.status_code == 400, noun
        assert name in answer.json()["error"]["message"], noun


def test_words_change_nothing(as_admin: Api, demo: User, project: Project) -> None:
    endpoint = Endpoint.objects.first()
    assert endpoint is not None
    for noun, pk in (("user", demo.pk), ("project", project.pk), ("domain", "default"), ("endpoint", endpoint.pk),
                     ("service", endpoint.service_id)):  # fmt: skip
        assert code(as_admin, "patch", f"/v3/{noun}s/{pk}", {noun: {"enabled": "FALSE"}}) == 400
        assert code(as_admin, "patch", f"/v3/{noun}s/{pk}", {noun: {"enabled": True}}) == 200


def test_what_a_project_is_never_changes(as_admin: Api, project: Project) -> None:
    path = f"/v3/projects/{project.pk}"
    for same in ({"is_domain": False}, {"id": project.pk}, {"domain_id": "default"}, {"parent_id": "default"}):
        assert code(as_admin, "patch", path, {"project": same}) == 200, same
    for other in ({"is_domain": True}, {"id": "x"}, {"id": None}, {"domain_id": "x"}):
        assert code(as_admin, "patch", path, {"project": other}) == 400, other
    assert code(as_admin, "patch", "/v3/projects/default", {"project": {"is_domain": False}}) == 400
    assert code(as_admin, "patch", "/v3/projects/default", {"project": {"is_domain": True}}) == 200


def test_no_id_changes(as_admin: Api, demo: User) -> None:
    made = {noun: make(as_admin, noun, name="x")["id"] for noun in ("user", "group", "domain", "role", "project")}
    made["service"] = make(as_admin, "service", type="x")["id"]
    made["region"] = make(as_admin, "region", id="x")["id"]
    for noun, pk in made.items():
        path = f"/v3/{noun}s/{pk}"
        assert code(as_admin, "patch", path, {noun: {"id": "another", "description": "d"}}) == 400, noun
        assert code(as_admin, "patch", path, {noun: {"id": pk, "description": "d"}}) == 200, noun
    assert code(as_admin, "put", "/v3/regions/y", {"region": {"id": "z"}}) == 400
    assert code(as_admin, "put", "/v3/regions/y", {"region": {"id": "y"}}) == 201


def test_an_endpoints_region(as_admin: Api) -> None:
    service = Service.objects.get(type="image")
    values = {"service_id": service.pk, "interface": "public", "url": "http://x"}
    assert code(as_admin, "post", "/v3/endpoints", {"endpoint": {**values, "region_id": "new"}}) == 400
    assert not Region.objects.filter(id="new").exists()
    made = make(as_admin, "endpoint", **values, region="new", region_id=None)
    assert (made["region_id"], made["region"]) == ("new", "new")
    path = f"/v3/endpoints/{made['id']}"
    assert code(as_admin, "patch", path, {"endpoint": {"region_id": "newer"}}) == 400
    assert code(as_admin, "patch", path, {"endpoint": {"region_id": "RegionOne"}}) == 200
    assert as_admin.call("patch", path, {"endpoint": {"region_id": None}}).json()["endpoint"]["region"] is None
    assert code(as_admin, "post", "/v3/endpoints", {"endpoint": {**values, "region": "a/b"}}) == 400
    old = {"service_id": service.pk, "publicurl": "http://x", "region": "newest"}
    assert code(as_admin, "post", "/v2.0/endpoints", {"endpoint": old}) == 200
    limit = {"service_id": service.pk, "region_id": "none", "resource_name": "x", "default_limit": 1}
    assert code(as_admin, "post", "/v3/registered_limits", {"registered_limits": [limit]}) == 400


@pytest.mark.parametrize("name", ["a/b", "/", "a/", ".", ".."])
def test_regions_that_no_path_could_name(as_admin: Api, name: str) -> None:
    assert code(as_admin, "post", "/v3/regions", {"region": {"id": name}}) == 400
    assert Region.objects.count() == 1


@pytest.mark.parametrize("name", ["ü", "a b", "a?b", "a#b", "50%", "%2F", "...", "a\\b"])
def test_other_regions_are_shown_and_deleted(as_admin: Api, name: str) -> None:
    make(as_admin, "region", id=name)
    path = f"/v3/regions/{quote(name, safe='')}"
    assert as_admin.call("get", path).json()["region"]["id"] == name
    assert code(as_admin, "delete", path) == 204


def test_a_domains_reader_gets_the_limits_that_it_lists(
    as_admin: Api, demo: User, project: Project, other_domain: Domain, role: Any
) -> None:
    service = Service.objects.get(type="compute")
    one = {"service_id": service.pk, "resource_name": "cores"}
    as_admin.call("post", "/v3/registered_limits", {"registered_limits": [{**one, "default_limit": 1}]})
    owners = ({"project_id": project.pk}, {"domain_id": "default"}, {"domain_id": other_domain.pk})
    body = {"limits": [{**one, **owner, "resource_limit": 2} for owner in owners]}
    made = [row["id"] for row in as_admin.call("post", "/v3/limits", body).json()["limits"]]
    RoleAssignment.objects.create(user=demo, domain_id="default", role=role("reader"))
    reader = Api()
    reader.token = reader.sign_in(password_body(scope={"domain": {"id": "default"}}))["X-Subject-Token"]
    listed = {row["id"] for row in reader.call("get", "/v3/limits").json()["limits"]}
    assert listed == set(made[:2])
    assert [code(reader, "get", f"/v3/limits/{pk}") for pk in made] == [200, 200, 403]


TIMES = {"early": "2026-01-01T00:00:00Z", "late": "2026-03-01T00:00:00.000000Z"}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["lt:2026-03-01T00:00:00Z"], {"early"}),
        (["lte:2026-03-01T00:00:00Z"], {"early", "late"}),
        (["gt:2026-01-01T00:00:00Z"], {"late"}),
        (["gte:2026-01-01T00:00:00"], {"early", "late"}),
        (["eq:2026-03-01T01:00:00+01:00"], {"late"}),
        (["neq:2026-03-01T00:00:00Z"], {"early"}),
        (["gt:2026-01-01T00:00:00Z", "lt:2026-03-01T00:00:00Z"], set()),
        (["gte:2026-01-01T00:00:00Z", "lt:2026-03-01T00:00:00Z"], {"early"}),
    ],
)
def test_users_by_the_expiry_of_their_passwords(as_admin: Api, conditions: list[str], expected: set[str]) -> None:
    group = make(as_admin, "group", name="g")
    for name, moment in TIMES.items():
        user = User.objects.create(name=name, domain_id="default", password_expires_at=parse_datetime(moment))
        GroupMembership.objects.create(group_id=group["id"], user=user)
    query = "&".join(f"password_expires_at={quote(condition)}" for condition in conditions)
    for path in ("/v3/users", f"/v3/groups/{group['id']}/users"):
        users = as_admin.call("get", f"{path}?{query}").json()["users"]
        assert {user["name"] for user in users} == expected


@pytest.mark.parametrize(
    "bad",
    ["", "lt", "lt:", "lt:yesterday", "before:2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "lt:2026-13-01T00:00:00Z"],
)
def test_what_is_no_expiry(as_admin: Api, bad: str) -> None:
    assert code(as_admin, "get", f"/v3/users?password_expires_at={bad}") == 400


def test_two_times_have_no_zone(as_admin: Api, as_demo: Api, demo: User, settings: Any) -> None:
    """Keystone writes these two without Z, and gophercloud parses no other form."""
    body = {"application_credential": {"name": "ci", "expires_at": "2099-01-02T03:04:05.678901"}}
    path = f"/v3/users/{demo.pk}/application_credentials"
    made = as_demo.call("post", path, body).json()["application_credential"]
    shown = as_demo.call("get", f"{path}/{made['id']}").json()["application_credential"]
    assert made["expires_at"] == shown["expires_at"] == "2099-01-02T03:04:05.678901"
    User.objects.filter(pk=demo.pk).update(password_expires_at="2099-01-02T03:04:05Z")
    assert as_admin.call("get", f"/v3/users/{demo.pk}").json()["user"]["password_expires_at"] == (
        "2099-01-02T03:04:05.000000"
    )
    token = as_demo.call("get", "/v3/auth/tokens", **{"X-Subject-Token": as_demo.token}).json()["token"]
    assert token["user"]["password_expires_at"] == "2099-01-02T03:04:05.000000"
    assert token["expires_at"].endswith("Z")


def test_the_catalog_lists_services_without_endpoints(as_admin: Api, as_demo: Api) -> None:
    service = as_admin.call("post", "/v3/services", {"service": {"type": "t", "name": "n"}}).json()["service"]
    hidden = as_admin.call("post", "/v3/services", {"service": {"type": "u", "enabled": False}}).json()["service"]
    catalog = {entry["id"]: entry for entry in as_demo.call("get", "/v3/auth/catalog").json()["catalog"]}
    assert catalog[service["id"]] == {"id": service["id"], "type": "t", "name": "n", "endpoints": []}
    assert hidden["id"] not in catalog
    one = {"service_id": service["id"], "interface": "public", "url": "http://x", "enabled": False, "name": "mine"}
    made = as_admin.call("post", "/v3/endpoints", {"endpoint": one}).json()["endpoint"]
    assert made["name"] == "mine"
    assert as_admin.call("get", f"/v3/endpoints/{made['id']}").json()["endpoint"]["name"] == "mine"
    catalog = {entry["id"]: entry for entry in as_demo.call("get", "/v3/auth/catalog").json()["catalog"]}
    assert catalog[service["id"]]["endpoints"] == []


def test_an_endpoint_group_without_a_description(as_admin: Api) -> None:
    body = {"endpoint_group": {"name": "g", "filters": {"interface": "public"}}}
    made = as_admin.call("post", "/v3/OS-EP-FILTER/endpoint_groups", body).json()["endpoint_group"]
    assert made["description"] is None
