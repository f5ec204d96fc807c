"""Isolation between users and domains; unknown ids and foreign ids get one answer (class 9).

The sweeps over every route are in tests/isolation.
"""

from typing import Any

import pytest

from apps.identity import models
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db
OWN = {"identity/v3/auth/catalog", "identity/v3/auth/projects", "identity/v3/auth/domains", "identity/v3/auth/system"}


@pytest.fixture
def theirs(as_demo: Api, role: Any) -> dict[str, str]:
    """Ids of everything that is not demo's."""
    admin = models.User.objects.get(name="admin")
    domain = models.Domain.objects.create(name="theirs")
    group = models.Group.objects.create(name="theirs", domain=domain)
    models.GroupMembership.objects.create(group=group, user=admin)
    project = models.Project.objects.get(name="admin")
    models.Project.objects.filter(pk=project.pk).update(tags=["t"])
    return {
        "domain_id": domain.pk,
        "project_id": project.pk,
        "target_id": project.pk,
        "user_id": admin.pk,
        "actor_id": admin.pk,
        "group_id": group.pk,
        "role_id": role("admin").pk,
        "implied_role_id": role("manager").pk,
        "region_id": "RegionOne",
        "service_id": models.Service.objects.all()[0].pk,
        "endpoint_id": models.Endpoint.objects.all()[0].pk,
        "tag": "t",
    }


def test_an_unknown_id_looks_like_anothers(as_demo: Api, theirs: dict[str, str]) -> None:
    for noun in ("users", "projects", "groups", "domains", "roles", "services", "endpoints"):
        own = theirs[f"{noun.removesuffix('s')}_id"]
        known = as_demo.call("get", f"/v3/{noun}/{own}")
        unknown = as_demo.call("get", f"/v3/{noun}/{'0' * 32}")
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content), noun


def test_own_things_are_readable(as_demo: Api) -> None:
    demo = models.User.objects.get(name="demo")
    for path in (f"users/{demo.pk}", f"users/{demo.pk}/projects", f"users/{demo.pk}/groups"):
        assert as_demo.call("get", f"/v3/{path}").status_code == 200
    assert as_demo.call("get", f"/v3/projects/{demo.default_project_id}").status_code == 200
    assert as_demo.call("get", f"/v3/projects/{demo.default_project_id}/tags").status_code == 200
    assert as_demo.call("get", "/v3/domains/default").status_code == 200
    for route in OWN:
        assert as_demo.call("get", route.removeprefix("identity")).status_code == 200
    assert as_demo.call("patch", f"/v3/users/{demo.pk}", {"user": {"enabled": True}}).status_code == 403


def test_managers_of_a_domain_stay_in_it(as_demo: Api, role: Any, grant: Any, other_domain: Any) -> None:
    from tests.unit.identity.dialogue import password_body

    demo = models.User.objects.get(name="demo")
    grant(user=demo, domain=other_domain, role=role("manager"))
    manager = Api()
    manager.token = manager.sign_in(password_body(scope={"domain": {"id": other_domain.pk}}))["X-Subject-Token"]
    user = manager.call("post", "/v3/users", {"user": {"name": "theirs"}}).json()["user"]
    assert user["domain_id"] == other_domain.pk
    assert [row["name"] for row in manager.call("get", "/v3/users").json()["users"]] == ["theirs"]
    elsewhere = manager.call("get", "/v3/users?domain_id=default")
    assert (elsewhere.status_code, elsewhere.json()["users"]) == (200, []), "as Keystone"
    assert manager.call("post", "/v3/users", {"user": {"name": "x", "domain_id": "default"}}).status_code == 403
    project = manager.call("post", "/v3/projects", {"project": {"name": "p"}}).json()["project"]
    grants = f"/v3/projects/{project['id']}/users/{user['id']}/roles"
    assert manager.call("put", f"{grants}/{role('member').pk}").status_code == 204
    assert manager.call("put", f"{grants}/{role('admin').pk}").status_code == 403
    foreign = models.Project.objects.get(name="demo").pk
    assert (
        manager.call("put", f"/v3/projects/{foreign}/users/{user['id']}/roles/{role('member').pk}").status_code == 403
    )


def test_a_manager_does_not_take_over_the_administrator(as_demo: Api, role: Any, grant: Any, admin: Any) -> None:
    from tests.unit.identity.dialogue import password_body

    demo = models.User.objects.get(name="demo")
    grant(user=demo, domain_id="default", role=role("manager"))
    manager = Api()
    manager.token = manager.sign_in(password_body(scope={"domain": {"id": "default"}}))["X-Subject-Token"]
    body = {"user": {"password": "mine now"}}
    assert manager.call("patch", f"/v3/users/{admin.pk}", body).status_code == 403
    assert manager.call("delete", f"/v3/users/{admin.pk}").status_code == 403


def test_nobody_becomes_staff_through_the_api(as_admin: Api) -> None:
    body = {"user": {"name": "x", "is_superuser": True, "is_staff": True, "tokens_valid_after": "2020", "id": "mine"}}
    user = as_admin.call("post", "/v3/users", body).json()["user"]
    row = models.User.objects.get(name="x")
    assert (row.is_staff, row.is_superuser) == (False, False)
    assert user["id"] == row.pk != "mine"
