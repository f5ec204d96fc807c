"""Limits: found by their project's name, deleted back to the default, and gone with their project."""

import pytest
from django.test import Client

from apps.identity.models import Project
from apps.identity.services import projects
from apps.quotas.models import Limit, Usage
from tests.admin.acting import do, events

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Project:
    lab = projects.create(values={"name": "lab"}, default_domain_id="default")
    Limit.objects.create(owner_id=lab.pk, resource="cores", value=3)
    Limit.objects.create(owner_id=lab.pk, resource="ram", value=1024)
    Usage.objects.create(owner_id=lab.pk, resource="cores")
    Limit.objects.create(owner_id="elsewhere", resource="cores", value=3)
    return lab


def test_limits_go_with_their_project(lab: Project) -> None:
    projects.delete(project_id=lab.pk)
    assert list(Limit.objects.values_list("owner_id", flat=True)) == ["elsewhere"]
    assert not Usage.objects.filter(owner_id=lab.pk).exists()


def test_a_limit_is_deleted(operator: Client, lab: Project) -> None:
    limit = Limit.objects.get(owner_id=lab.pk, resource="cores")
    assert "The default of cores applies" in do(operator, limit, "delete")
    assert list(Limit.objects.filter(owner_id=lab.pk).values_list("resource", flat=True)) == ["ram"]
    assert events("reset") == [("operator", "success", lab.pk)]


@pytest.mark.parametrize("page", ["limit", "usage"])
def test_found_by_the_projects_name(operator: Client, lab: Project, page: str) -> None:
    rows = operator.get(f"/admin/quotas/{page}/?q=lab").context["cl"].result_list
    assert {row.owner_id for row in rows} == {lab.pk}


def test_a_limit_without_a_project_says_so(operator: Client, lab: Project) -> None:
    assert "elsewhere (deleted)" in operator.get("/admin/quotas/limit/").content.decode()
