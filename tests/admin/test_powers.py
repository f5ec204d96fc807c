"""Roles on the pages: granted and revoked, but the last administrator stays."""

import pytest
from django.test import Client

from apps.identity.models import Group, Project, Role, RoleAssignment, User
from tests.admin.acting import add, change, do, events, refused, saved
from tests.admin.conftest import browser, person

pytestmark = pytest.mark.django_db


def test_nobody_disables_or_deletes_the_own_account(operator: Client) -> None:
    own = User.objects.get(name="operator")
    assert "lock you out" in refused(operator, change(own), enabled=False)
    assert "lock you out" in do(operator, own, "delete")
    own.refresh_from_db()
    assert own.enabled
    saved(operator, change(own), email="me@example.org")


def test_the_last_administrator_stays() -> None:
    admin = User.objects.get(name="admin")
    client = browser(admin)
    assert "last enabled administrator" in refused(client, change(admin), enabled=False)
    assert "last enabled administrator" in do(client, admin, "delete")
    other = person("other", "admin")
    assert "lock you out" in refused(client, change(admin), enabled=False)
    saved(browser(other), change(admin), enabled=False)
    admin.refresh_from_db()
    assert not admin.enabled


def test_administrators_by_a_group_count() -> None:
    group = Group.objects.create(domain_id="default", name="operators")
    RoleAssignment.objects.create(group=group, role=Role.objects.get(name="admin", domain=None), system=True)
    other = person("other", "")
    group.memberships.create(user=other)
    saved(browser(other), change(User.objects.get(name="admin")), enabled=False)
    assert "last enabled administrator" in refused(browser(other), change(other), enabled=False)


def test_a_role_is_given_and_taken_away(operator: Client) -> None:
    ada, demo = person("ada", ""), Project.objects.get(name="demo")
    member = Role.objects.get(name="member", domain=None)
    saved(operator, add(RoleAssignment), user="ada", role=member.pk, on=f"project {demo.pk}")
    row = RoleAssignment.objects.get(user=ada)
    assert (row.project_id, row.role, row.inherited) == (demo.pk, member, False)
    assert events("grant") == [("operator", "success", ada.pk)]
    for page in (change(ada), change(demo)):
        assert f'href="{change(row)}"' in operator.get(page).content.decode()
    assert "no longer has the role member on demo" in do(operator, row, "delete")
    assert not RoleAssignment.objects.filter(user=ada).exists()
    saved(operator, add(RoleAssignment), user=ada.pk, role=member.pk, on="domain default", inherited="on")
    assert RoleAssignment.objects.get(user=ada).domain_id == "default"


def test_a_group_gets_a_role_on_the_system(operator: Client) -> None:
    group = Group.objects.create(domain_id="default", name="lookers")
    reader = Role.objects.get(name="reader", domain=None)
    saved(operator, add(RoleAssignment), group="lookers", role=reader.pk, on="system")
    assert RoleAssignment.objects.get(group=group).system
    assert "cannot be inherited" in refused(
        operator, add(RoleAssignment), group="lookers", role=reader.pk, on="system", inherited="on"
    )


def test_what_cannot_be_given_is_a_sentence(operator: Client) -> None:
    role = Role.objects.get(name="reader", domain=None).pk
    assert "Enter either a user or a group" in refused(operator, add(RoleAssignment), role=role, on="system")
    assert "Could not find user: nobody" in refused(
        operator, add(RoleAssignment), user="nobody", role=role, on="system"
    )
    assert "valid choice" in refused(operator, add(RoleAssignment), user="admin", role=role, on="project nowhere")


def test_nobody_takes_the_own_power(operator: Client) -> None:
    row = RoleAssignment.objects.get(user__name="operator")
    assert "lock you out" in do(operator, row, "delete")
    assert RoleAssignment.objects.filter(pk=row.pk).exists()


def test_a_viewer_gives_none(viewer: Client) -> None:
    assert viewer.get(add(RoleAssignment)).status_code == 403
    assert viewer.post(add(RoleAssignment), {}).status_code == 403
