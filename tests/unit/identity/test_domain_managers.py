"""What a domain's manager cannot reach in its own domain: the power of administrators and services who live there."""

from typing import Any

import pytest

from apps.identity.models import Domain, Group, GroupMembership, ImpliedRole, Project, Role, User
from apps.identity.services import passwords
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db


def make_user(domain: Domain, name: str) -> User:
    user = User(domain=domain, name=name)
    passwords.assign(user=user, password=PASSWORD)
    user.save()
    return user


@pytest.fixture
def manager(other_domain: Domain, role: Any, grant: Any) -> Api:
    grant(user=make_user(other_domain, "chief"), domain=other_domain, role=role("manager"))
    api = Api()
    domain = {"id": other_domain.pk}
    api.token = api.sign_in(password_body("chief", domain=domain, scope={"domain": domain}))["X-Subject-Token"]
    return api


@pytest.mark.parametrize("name", ["admin", "service"])
@pytest.mark.parametrize("how", ["system", "project", "domain", "inherited", "group", "implied"])
def test_managers_change_no_user_with_more_power(
    manager: Api, other_domain: Domain, project: Any, role: Any, grant: Any, name: str, how: str
) -> None:
    boss, power = make_user(other_domain, "boss"), role(name)
    group = Group.objects.create(domain=other_domain, name="bosses")
    if how == "implied":
        local = Role.objects.create(name="local", domain=other_domain)
        ImpliedRole.objects.create(prior=local, implied=power)
        grant(user=boss, domain=other_domain, role=local)
    elif how == "group":
        GroupMembership.objects.create(group=group, user=boss)
        grant(group=group, system=True, role=power)
    else:
        where: dict[str, Any] = {
            "system": {"system": True},
            "project": {"project": project},
            "domain": {"domain_id": "default"},
            "inherited": {"domain_id": "default", "inherited": True},
        }[how]
        grant(user=boss, role=power, **where)
    assert manager.call("get", f"/v3/users/{boss.pk}").status_code == 200
    for changes in ({"password": "mine now"}, {"enabled": False}):
        assert manager.call("patch", f"/v3/users/{boss.pk}", {"user": changes}).status_code == 403
    assert manager.call("delete", f"/v3/users/{boss.pk}").status_code == 403
    boss.refresh_from_db()
    assert boss.enabled
    assert boss.check_password(PASSWORD)


@pytest.mark.parametrize(("name", "status"), [("admin", 403), ("service", 403), ("manager", 204), ("member", 204)])
def test_managers_let_nobody_into_a_group_with_more_power(
    manager: Api, other_domain: Domain, role: Any, grant: Any, name: str, status: int
) -> None:
    group = Group.objects.create(domain=other_domain, name="them")
    grant(group=group, system=True, role=role(name))
    chief = User.objects.get(name="chief")
    assert manager.call("put", f"/v3/groups/{group.pk}/users/{chief.pk}").status_code == status
    assert GroupMembership.objects.filter(group=group).exists() is (status == 204)


def test_managers_still_manage_everyone_else(manager: Api, other_domain: Domain, role: Any, grant: Any) -> None:
    clerk = make_user(other_domain, "clerk")
    grant(user=clerk, domain=other_domain, role=role("manager"))
    assert manager.call("patch", f"/v3/users/{clerk.pk}", {"user": {"password": "new one"}}).status_code == 200
    assert manager.call("delete", f"/v3/users/{clerk.pk}").status_code == 204


def test_administrators_manage_administrators(as_admin: Api, other_domain: Domain, role: Any, grant: Any) -> None:
    boss = make_user(other_domain, "boss")
    grant(user=boss, system=True, role=role("admin"))
    assert as_admin.call("patch", f"/v3/users/{boss.pk}", {"user": {"password": "new one"}}).status_code == 200


def test_managers_see_the_assignments_of_their_domain(
    manager: Api, other_domain: Domain, project: Any, role: Any, grant: Any
) -> None:
    clerk = make_user(other_domain, "clerk")
    theirs = Project.objects.create(name="theirs", domain=other_domain, parent=other_domain)
    for where in ({"project": theirs}, {"domain": other_domain}, {"project": project}, {"system": True}):
        grant(user=clerk, role=role("reader"), **where)

    def scopes(query: str) -> list[str]:
        answer = manager.call("get", f"/v3/role_assignments?user.id={clerk.pk}{query}")
        assert answer.status_code == 200
        return sorted(next(iter(one["scope"].values()))["id"] for one in answer.json()["role_assignments"])

    assert scopes("") == scopes("&effective") == sorted([theirs.pk, other_domain.pk])
    assert scopes(f"&scope.project.id={theirs.pk}") == [theirs.pk]
    assert scopes(f"&scope.project.id={project.pk}") == scopes("&scope.domain.id=default") == []
