"""``/v3/role_assignments``: contradictions are refused, and every effective row leads to what brings it about."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from apps.identity.models import Group, GroupMembership, Project, Role, User
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db
INHERITED = {"scope.OS-INHERIT:inherited_to": "projects"}


def rows(api: Api, **params: Any) -> list[dict[str, Any]]:
    answer = api.call("get", f"/v3/role_assignments?{urlencode(params)}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["role_assignments"])


def put(api: Api, path: str) -> None:
    assert api.call("put", path).status_code in (201, 204), path


@pytest.mark.parametrize(
    "query",
    [
        "user.id=x&group.id=y",
        "scope.domain.id=default&scope.project.id=x",
        "scope.system=all&scope.domain.id=default",
        "scope.system=all&scope.project.id=x",
        "effective&group.id=x",
        "effective=true&group.id=x",
        "effective&scope.domain.id=default&scope.OS-INHERIT:inherited_to=projects",
        "include_subtree",
        "include_subtree=true&scope.domain.id=default",
        "include_subtree&scope.project.id=",
    ],
)
def test_contradictions(as_admin: Api, as_demo: Api, query: str) -> None:
    answer = as_admin.call("get", f"/v3/role_assignments?{query}")
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["message"]
    assert as_demo.call("get", f"/v3/role_assignments?{query}").status_code == 403


@pytest.mark.parametrize(
    "query", ["effective=0&group.id=x", "include_subtree=false", "user.id=x&group.id=", "effective&scope.system=all"]
)
def test_what_only_looks_like_one(as_admin: Api, query: str) -> None:
    assert as_admin.call("get", f"/v3/role_assignments?{query}").status_code == 200


class World:
    """Demo holds member on low in four ways: itself, by a group, from above, and from above by a group."""

    def __init__(self, api: Api, demo: User, role: Role) -> None:
        self.demo, self.role = demo, role
        self.top = Project.objects.create(name="top", domain_id="default", parent_id="default")
        self.low = Project.objects.create(name="low", domain_id="default", parent=self.top)
        self.group = Group.objects.create(name="g", domain_id="default")
        GroupMembership.objects.create(group=self.group, user=demo)
        actors = (f"users/{demo.pk}", f"groups/{self.group.pk}")
        self.direct = [f"/v3/projects/{self.low.pk}/{actor}/roles/{role.pk}" for actor in actors]
        self.above = [
            f"/v3/OS-INHERIT/projects/{self.top.pk}/{actor}/roles/{role.pk}/inherited_to_projects" for actor in actors
        ]
        for path in (*self.direct, *self.above):
            put(api, path)

    def filters(self) -> dict[str, str]:
        return {"effective": "", "user.id": self.demo.pk, "scope.project.id": self.low.pk}


@pytest.fixture
def world(as_admin: Api, demo: User, role: Any) -> World:
    return World(as_admin, demo, role("member"))


def assignments(found: list[dict[str, Any]]) -> list[str]:
    return sorted(urlsplit(row["links"]["assignment"]).path.removeprefix("/identity") for row in found)


def test_every_way_is_a_row(as_admin: Api, world: World) -> None:
    found = rows(as_admin, **world.filters(), **{"role.id": world.role.pk})
    assert assignments(found) == sorted(world.direct + world.above)
    assert all(set(row) == {"role", "scope", "user", "links"} for row in found)


def test_effective_and_inherited(as_admin: Api, world: World) -> None:
    """The filter was ignored with ``effective``."""
    found = rows(as_admin, **world.filters(), **INHERITED)
    assert {row["role"]["id"] for row in found} == {world.role.pk, Role.objects.get(name="reader", domain=None).pk}
    assert set(assignments(found)) == set(world.above)
    assert all(row["scope"]["OS-INHERIT:inherited_to"] == "projects" for row in found)
    others = rows(as_admin, **world.filters(), **{"scope.OS-INHERIT:inherited_to": "nothing"})
    assert set(assignments(others)) == set(world.direct)
    assert not any("OS-INHERIT:inherited_to" in row["scope"] for row in others)
    everywhere = rows(as_admin, effective="", **INHERITED)
    assert {row["scope"]["project"]["id"] for row in everywhere} == {world.low.pk}


def test_stated_and_not_inherited(as_admin: Api, world: World) -> None:
    stated = {"user.id": world.demo.pk, "role.id": world.role.pk}
    assert assignments(rows(as_admin, **stated, **INHERITED)) == [world.above[0]]
    assert world.above[0] not in assignments(rows(as_admin, **stated, **{"scope.OS-INHERIT:inherited_to": "x"}))


def test_links_lead_somewhere(as_admin: Api, world: World, role: Any) -> None:
    """Also where a role is implied by one that is itself implied: the assignment names the role that was given."""
    put(as_admin, f"/v3/domains/default/groups/{world.group.pk}/roles/{role('admin').pk}")
    put(as_admin, f"/v3/system/groups/{world.group.pk}/roles/{role('manager').pk}")
    put(as_admin, f"/v3/system/users/{world.demo.pk}/roles/{role('member').pk}")
    local = Role.objects.create(name="local", domain_id="default")
    local.implications.create(implied=role("reader"))
    put(as_admin, f"/v3/projects/{world.low.pk}/users/{world.demo.pk}/roles/{local.pk}")
    found = rows(as_admin, effective="")
    kinds = set()
    for row in found:
        for name, url in row["links"].items():
            parts = urlsplit(url)
            code = as_admin.call("head", parts.path.removeprefix("/identity")).status_code
            assert code in (200, 204), (name, url)
            kinds.add(name)
    assert kinds == {"assignment", "membership", "prior_role"}
    group = [row for row in found if f"/groups/{world.group.pk}/" in row["links"]["assignment"]]
    assert all(f"/groups/{world.group.pk}/users/{world.demo.pk}" in row["links"]["membership"] for row in group)
    chain = [row for row in group if "domain" in row["scope"]]
    priors = {row["role"]["id"]: row["links"].get("prior_role", "").split("/v3/")[-1] for row in chain}
    names = {name: role(name).pk for name in ("admin", "manager", "member", "reader")}
    assert priors == {
        names["admin"]: "",
        names["manager"]: f"roles/{names['admin']}/implies/{names['manager']}",
        names["member"]: f"roles/{names['manager']}/implies/{names['member']}",
        names["reader"]: f"roles/{names['member']}/implies/{names['reader']}",
    }
    assert any(local.pk in row["links"]["assignment"] for row in found)
