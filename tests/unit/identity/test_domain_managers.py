"""A domain's manager cannot gain the rights of administrators and services in its own domain."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.identity.models import Domain, Group, GroupMembership, ImpliedRole, Project, Role, Trust, User
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


# What a manager cannot give: any role on the system, any on what is not its domain's, and admin and service within it.
BEYOND = [
    *((name, where) for where in ("system", "elsewhere", "their project") for name in ("manager", "member", "reader")),
    *((name, where) for where in ("own", "own project") for name in ("admin", "service")),
]
WITHIN = [(name, where) for where in ("own", "own project") for name in ("manager", "member", "reader", "auditor")]


@pytest.fixture
def place(other_domain: Domain, project: Project) -> Any:
    theirs = Project.objects.create(name="within", domain=other_domain, parent=other_domain)
    return {
        "system": {"system": True},
        "elsewhere": {"domain_id": "default"},
        "their project": {"project": project},
        "own": {"domain": other_domain},
        "own project": {"project": theirs},
    }


@pytest.mark.parametrize(("name", "where"), BEYOND)
@pytest.mark.parametrize("how", ["itself", "group"])
def test_managers_reach_no_user_with_what_they_cannot_give(
    manager: Api, other_domain: Domain, role: Any, grant: Any, place: Any, how: str, name: str, where: str
) -> None:
    """Only admin and service were kept out of reach: a manager of one domain became a manager of another."""
    boss = make_user(other_domain, "boss")
    group = Group.objects.create(domain=other_domain, name="bosses")
    GroupMembership.objects.create(group=group, user=boss)
    grant(role=role(name), **place[where], **({"user": boss} if how == "itself" else {"group": group}))
    for changes in ({"password": "mine now"}, {"enabled": False}, {"name": "x"}):
        assert manager.call("patch", f"/v3/users/{boss.pk}", {"user": changes}).status_code == 403
    assert manager.call("delete", f"/v3/users/{boss.pk}").status_code == 403
    for path in (f"/v3/users/{boss.pk}/credentials/OS-EC2", f"/v3/credentials?user_id={boss.pk}"):
        answer = manager.call("get", path)
        assert answer.status_code == 403 or answer.json()["credentials"] == []
    boss.refresh_from_db()
    assert (boss.enabled, boss.name, boss.check_password(PASSWORD)) == (True, "boss", True)


@pytest.mark.parametrize(("name", "where"), BEYOND)
def test_managers_touch_no_group_with_what_they_cannot_give(
    manager: Api, other_domain: Domain, role: Any, grant: Any, place: Any, name: str, where: str
) -> None:
    group, clerk = Group.objects.create(domain=other_domain, name="them"), make_user(other_domain, "clerk")
    GroupMembership.objects.create(group=group, user=clerk)
    grant(group=group, role=role(name), **place[where])
    chief = User.objects.get(name="chief")
    assert manager.call("get", f"/v3/groups/{group.pk}/users").status_code == 200
    for method, path in (("put", f"/users/{chief.pk}"), ("delete", f"/users/{clerk.pk}"), ("delete", "")):
        assert manager.call(method, f"/v3/groups/{group.pk}{path}").status_code == 403
    assert manager.call("patch", f"/v3/groups/{group.pk}", {"group": {"name": "x"}}).status_code == 403
    assert list(group.memberships.values_list("user_id", flat=True)) == [clerk.pk]


@pytest.mark.parametrize("expired", [False, True])
def test_managers_reach_nobody_whom_others_trust(
    manager: Api, other_domain: Domain, project: Project, demo: User, role: Any, expired: bool
) -> None:
    clerk = make_user(other_domain, "clerk")
    expires_at = timezone.now() - timedelta(hours=1) if expired else None
    trust = Trust.objects.create(
        trustor=demo, trustee=clerk, project=project, impersonation=True, expires_at=expires_at
    )
    trust.roles.set([role("reader")])
    answer = manager.call("patch", f"/v3/users/{clerk.pk}", {"user": {"password": "mine now"}})
    assert answer.status_code == (200 if expired else 403)


@pytest.mark.parametrize(("name", "where"), WITHIN)
def test_managers_still_manage_everyone_else(
    manager: Api, other_domain: Domain, role: Any, grant: Any, place: Any, name: str, where: str
) -> None:
    Role.objects.get_or_create(name="auditor", domain=None)
    clerk, group = make_user(other_domain, "clerk"), Group.objects.create(domain=other_domain, name="them")
    grant(user=clerk, role=role(name), **place[where])
    grant(group=group, role=role(name), **place[where])
    member = f"/v3/groups/{group.pk}/users/{clerk.pk}"
    assert [manager.call(method, member).status_code for method in ("put", "delete")] == [204, 204]
    assert manager.call("patch", f"/v3/groups/{group.pk}", {"group": {"name": "x"}}).status_code == 200
    assert manager.call("delete", f"/v3/groups/{group.pk}").status_code == 204
    assert manager.call("patch", f"/v3/users/{clerk.pk}", {"user": {"password": "new one"}}).status_code == 200
    assert manager.call("delete", f"/v3/users/{clerk.pk}").status_code == 204


@pytest.mark.parametrize(
    ("name", "local", "status"),
    [
        ("member", False, 204),
        ("manager", False, 204),
        ("admin", False, 403),
        ("auditor", False, 403),
        ("member", True, 403),
    ],
)
def test_what_managers_give(
    manager: Api, other_domain: Domain, place: Any, name: str, local: bool, status: int
) -> None:
    """A domain's own role may imply anything, whatever it is called."""
    given, _ = Role.objects.get_or_create(name=name, domain=other_domain if local else None)
    clerk, within = make_user(other_domain, "clerk"), place["own project"]["project"]
    for path in (f"/v3/projects/{within.pk}", f"/v3/domains/{other_domain.pk}"):
        for method in ("put", "delete"):
            assert manager.call(method, f"{path}/users/{clerk.pk}/roles/{given.pk}").status_code == status


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
