"""Querysets that are compiled once: the same rows as the queryset's, with any parameters, in any session."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from apps.common.context import RequestContext
from apps.common.prepared import Rows
from apps.compute.models import Flavor, FlavorAccess
from apps.compute.selectors import flavors

pytestmark = pytest.mark.django_db

BY_NAME = Rows(
    "test_flavors_by_name",
    lambda name, least: Flavor.objects.filter(Q(name=name) | Q(ram_mib__gte=least), is_public=True).order_by("name"),
    {"name": "a name", "least": 4711},
)


@pytest.fixture(autouse=True)
def some() -> None:
    for name, ram, public in (("a", 64, True), ("b", 128, True), ("c", 256, False), ("100% d", 512, True)):
        values = {"name": name, "flavor_id": name, "ram_mib": ram, "vcpus": 1, "is_public": public}
        Flavor.objects.create(**values, extra_specs={"hw:x": name})
    FlavorAccess.objects.create(flavor=Flavor.objects.get(name="c"), project_id="p1")


def test_rows_are_models_with_their_values() -> None:
    found = BY_NAME.fetch(name="a", least=500)
    assert [row.name for row in found] == ["100% d", "a"]
    assert found[1].extra_specs == {"hw:x": "a"}
    assert found[1] == Flavor.objects.get(name="a") and not found[1]._state.adding


def test_parameters_are_parameters() -> None:
    assert BY_NAME.fetch(name="' OR true --", least=10**6) == []
    assert [row.name for row in BY_NAME.fetch(name="100% d", least=10**6)] == ["100% d"]
    assert BY_NAME.first(name="b", least=10**6).ram_mib == 128  # type: ignore[union-attr]
    assert BY_NAME.first(name="none", least=10**6) is None


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("project", ["p1", "p2", None])
def test_a_flavor_list_is_the_querysets(project: str | None, admin: bool) -> None:
    context = RequestContext(project_id=project, is_admin=admin)
    expected = list(flavors.listed(context=context).order_by("flavor_id"))
    assert flavors.first_page(context=context) == (expected, False)
    assert any(row.name == "c" for row in expected) == (project == "p1")


@pytest.mark.django_db(transaction=True)
def test_a_new_session_and_a_failed_transaction_do_no_harm() -> None:
    connection.close()
    with pytest.raises(IntegrityError):
        _fail()
    assert len(BY_NAME.fetch(name="a", least=10**6)) == 1
    connection.close()
    assert len(BY_NAME.fetch(name="a", least=10**6)) == 1


@transaction.atomic
def _fail() -> None:
    assert len(BY_NAME.fetch(name="a", least=10**6)) == 1
    Flavor.objects.create(name="a", flavor_id="again", ram_mib=1, vcpus=1)
