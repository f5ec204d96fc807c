"""Every list is bounded: cut at the settings' limit, marked as truncated, and continued by marker."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.identity.models import Domain, Group, GroupMembership, Project, RoleAssignment, User
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(cloud: None) -> list[str]:
    """Seven users with names whose order is not that of their ids."""
    rows = [User(id=f"{9 - number:032d}", name=f"p{number}", domain_id="default") for number in range(7)]
    User.objects.bulk_create(rows)
    return [row.name for row in rows]


def walk(api: Api, path: str, key: str) -> list[list[str]]:
    """Return the names on each page, as a client sees them that follows ``links.next``."""
    pages: list[list[str]] = []
    while path:
        answer = api.call("get", path)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        pages.append([row["name"] for row in body[key]])
        following = body["links"]["next"] if "links" in body else next((a["href"] for a in body[f"{key}_links"]), None)
        path = "?".join(urlsplit(following)[2:4]).removeprefix("/identity") if following else ""
    return pages


def test_a_list_beyond_the_limit_is_cut_in_the_database(as_admin: Api, people: list[str], settings: Any) -> None:
    settings.IDENTITY_LIST_LIMIT = 3
    with CaptureQueriesContext(
        connection,
    ) as queries:
        body = as_admin.call("get", "/v3/users?name__startswith=p").json()
    assert [row["name"] for row in body["users"]] == people[:3]
    assert body["truncated"] is True
    assert "LIMIT 4" in queries[-1]["sql"]
    assert walk(as_admin, "/v3/users?name__startswith=p", "users") == [people[:3], people[3:6], people[6:]]


def test_a_whole_list_says_nothing_of_it(as_admin: Api, people: list[str], settings: Any) -> None:
    settings.IDENTITY_LIST_LIMIT = 7
    body = as_admin.call("get", "/v3/users?name__startswith=p").json()
    assert ([row["name"] for row in body["users"]], body["links"]["next"]) == (people, None)
    assert "truncated" not in body


def test_limit_and_marker(as_admin: Api, people: list[str], settings: Any) -> None:
    assert walk(as_admin, "/v3/users?name__startswith=p&limit=3", "users") == [people[:3], people[3:6], people[6:]]
    assert "truncated" not in as_admin.call("get", "/v3/users?limit=3").json()
    settings.IDENTITY_LIST_LIMIT = 2
    body = as_admin.call("get", f"/v3/users?limit={10**30}").json()
    assert (len(body["users"]), body["truncated"]) == (2, True)


@pytest.mark.parametrize(
    "noun", ["users", "projects", "groups", "domains", "roles", "services", "endpoints", "regions"]
)
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1.5", "marker=nobody", "marker=%00"]
)
def test_what_is_no_page_is_refused(as_admin: Api, noun: str, query: str) -> None:
    answer = as_admin.call("get", f"/v3/{noun}?{query}")
    assert answer.status_code == 400, answer.content
    assert query.split("=")[0] in answer.json()["error"]["message"] or query == "marker=%00"


@pytest.mark.parametrize("noun", ["projects", "groups", "domains", "roles", "services", "endpoints", "credentials"])
def test_pages_make_up_the_whole(as_admin: Api, noun: str, admin: User) -> None:
    Group.objects.bulk_create(Group(name=f"g{number}", domain_id="default") for number in range(3))
    Domain.objects.create(name="another")
    for number in range(3):
        as_admin.call("post", "/v3/credentials", {"credential": {"type": "cert", "blob": str(number)}})
    whole = [row["id"] for row in as_admin.call("get", f"/v3/{noun}").json()[noun]]
    found: list[str] = []
    while len(found) < len(whole):
        query = f"limit=1&marker={found[-1]}" if found else "limit=1"
        body = as_admin.call("get", f"/v3/{noun}?{query}").json()
        found += [row["id"] for row in body[noun]]
        assert bool(body["links"]["next"]) == (len(found) < len(whole))
    assert found == whole
    assert len(whole) > 1


def test_a_marker_of_others_tells_nothing(as_demo: Api, admin: User) -> None:
    """A marker that the list hides is refused like one that does not exist."""
    other = Project.objects.get(name="admin")
    answers = {as_demo.call("get", f"/v3/auth/projects?marker={pk}").status_code for pk in (other.pk, "0" * 32)}
    assert answers == {400}


def test_version_2_lists_are_cut_too(as_admin: Api, people: list[str], settings: Any) -> None:
    names = [name for page in walk(as_admin, "/v2.0/users?limit=4", "users") for name in page]
    assert names == sorted(names) and set(people) < set(names)
    settings.IDENTITY_LIST_LIMIT = 2
    for path, key in (
        ("users", "users"),
        ("tenants", "tenants"),
        ("OS-KSADM/roles", "roles"),
        ("endpoints", "endpoints"),
    ):
        body = as_admin.call("get", f"/v2.0/{path}").json()
        assert (len(body[key]) <= 2, body["truncated"]) == (True, True), path
    assert as_admin.call("get", "/v2.0/tenants?limit=0").status_code == 400
    assert as_admin.call("get", "/v2.0/tenants?marker=none").status_code == 400


@pytest.fixture
def crowd(people: list[str], project: Project, role: Any) -> Group:
    """A group of all the people that is reader on demo's project, each of them member there by itself."""
    group = Group.objects.create(name="crowd", domain_id="default")
    rows = list(User.objects.filter(name__in=people))
    GroupMembership.objects.bulk_create(GroupMembership(group=group, user=row) for row in rows)
    RoleAssignment.objects.create(group=group, project=project, role=role("reader"))
    RoleAssignment.objects.bulk_create(RoleAssignment(user=row, project=project, role=role("member")) for row in rows)
    return group


@pytest.mark.parametrize("query", ["", "effective", "effective&include_names"])
def test_role_assignments_are_cut(as_admin: Api, crowd: Group, settings: Any, query: str) -> None:
    whole = as_admin.call("get", f"/v3/role_assignments?{query}").json()
    assert "truncated" not in whole
    settings.IDENTITY_LIST_LIMIT = 5
    body = as_admin.call("get", f"/v3/role_assignments?{query}").json()
    assert (len(body["role_assignments"]), body["truncated"]) == (5, True)
    assert all(row in whole["role_assignments"] for row in body["role_assignments"])


def test_effective_reads_only_what_may_match(
    as_admin: Api, crowd: Group, demo: User, project: Project, role: Any, settings: Any
) -> None:
    """The limit counts what may match, so that a narrow question in a large cloud is answered whole."""
    top = Project.objects.create(name="top", domain_id="default", parent_id="default")
    low = Project.objects.create(name="low", domain_id="default", parent=top)
    group = Group.objects.create(name="late", domain_id="default")
    GroupMembership.objects.create(group=group, user=demo)
    RoleAssignment.objects.create(group=group, project=top, role=role("manager"), inherited=True)
    settings.IDENTITY_LIST_LIMIT = 4
    for query in (f"user.id={demo.pk}&scope.project.id={low.pk}", f"scope.project.id={low.pk}"):
        body = as_admin.call("get", f"/v3/role_assignments?effective&include_names&{query}").json()
        assert sorted(row["role"]["name"] for row in body["role_assignments"]) == ["manager", "member", "reader"]
        assert {row["user"]["id"] for row in body["role_assignments"]} == {demo.pk}
        assert "truncated" not in body
    inherited = f"effective&scope.project.id={top.pk}&include_subtree&role.id={role('reader').pk}"
    body = as_admin.call("get", f"/v3/role_assignments?{inherited}").json()
    assert [row["scope"]["project"]["id"] for row in body["role_assignments"]] == [low.pk]


def test_the_users_of_a_tenant(as_admin: Api, crowd: Group, demo: User, project: Project, role: Any) -> None:
    """Users with a role directly, through a group, or inherited are listed once each."""
    above = User.objects.create(name="above", domain_id="default")
    nowhere = User.objects.create(name="nowhere", domain_id="default")
    local = type(role("reader")).objects.create(name="local", domain_id="default")
    RoleAssignment.objects.create(user=above, domain_id="default", role=role("reader"), inherited=True)
    RoleAssignment.objects.create(user=nowhere, domain_id="default", role=role("reader"))
    RoleAssignment.objects.create(user=nowhere, project=project, role=role("reader"), inherited=True)
    RoleAssignment.objects.create(user=nowhere, project=project, role=local)
    body = as_admin.call("get", f"/v2.0/tenants/{project.pk}/users").json()
    names = [row["name"] for row in body["users"]]
    assert names == sorted({*names}) and {"above", "demo", "p0", "p6"} <= {*names} and "nowhere" not in names


def test_times_are_compared_as_they_are_shown(as_admin: Api, people: list[str]) -> None:
    """A client that sends back the time that it read finds the row, and no operator takes its neighbour for it."""
    User.objects.filter(name="p3").update(password_expires_at="2030-01-02T03:04:05.678901Z")
    (row,) = as_admin.call("get", "/v3/users?name=p3").json()["users"]
    shown = row["password_expires_at"]
    assert shown == "2030-01-02T03:04:05.678901"
    for operator, before, same, after in (
        ("eq", False, True, False),
        ("neq", True, False, True),
        ("lt", False, False, True),
        ("lte", False, True, True),
        ("gt", True, False, False),
        ("gte", True, True, False),
    ):
        for moment, expected in ((shown[:-1] + "0", before), (shown, same), (shown[:-1] + "2", after)):
            for zone in ("", "Z"):
                query = f"name=p3&password_expires_at={operator}:{moment}{zone}"
                assert bool(as_admin.call("get", f"/v3/users?{query}").json()["users"]) is expected, query
