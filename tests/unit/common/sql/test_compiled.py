"""Querysets and inserts that are compiled once: the same rows as the ORM's, with any values, in any session."""

import contextlib
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model, Q
from django.db.transaction import TransactionManagementError

from apps.common.context import RequestContext
from apps.common.models import AuditEvent
from apps.common.sql.inserts import Inserts
from apps.common.sql.planned import LONGEST_NAME, Statement
from apps.common.sql.rows import Rows
from apps.compute.models import Flavor, FlavorAccess, Server
from apps.compute.selectors import flavors

pytestmark = pytest.mark.django_db

BY_NAME = Rows(
    "test_flavors_by_name",
    lambda name, least: Flavor.objects.filter(Q(name=name) | Q(ram_mib__gte=least), is_public=True).order_by("name"),
    {"name": str, "least": int},
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


def test_what_cannot_be_a_parameter_is_refused() -> None:
    """A value that the ORM changes on its way would be compiled into the statement as it is."""
    begins = Rows("test_begins", lambda name: Flavor.objects.filter(name__startswith=name), {"name": str})
    with pytest.raises(ValueError, match="test_begins: a parameter is changed"):
        begins.fetch(name="a")


def test_a_parameter_may_occur_twice_and_beside_constants() -> None:
    def either(name: str) -> Q:
        return Q(name=name) | Q(flavor_id=name)

    twice = Rows("test_twice", lambda name: Flavor.objects.filter(either(name), ram_mib__lt=200), {"name": str})
    assert [row.name for row in twice.fetch(name="a")] == ["a"]
    assert twice.fetch(name="c") == []


def test_two_statements_of_one_name_run_their_own_sql() -> None:
    long = "a_name_of_more_characters_than_postgresql_keeps_of_an_identifier_"
    for name in ("test_double", long):
        one, two = Statement(name, "SELECT 1", {}), Statement(name, "SELECT 2", {})
        typed = Statement(name, "SELECT %(value)s", {"value": "text"})
        assert (one.fetch({}), two.fetch({}), typed.fetch({"value": "x"})) == ([(1,)], [(2,)], [("x",)])
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE %s", [f"{name[:11]}%"])
            names = [row[0] for row in cursor.fetchall()]
        assert len(names) == 3 and all(len(found) <= LONGEST_NAME for found in names)


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


SERVERS = Inserts("test_server_insert", Server)
EVENTS = Inserts("test_event_insert", AuditEvent)


def a_server(**values: Any) -> Server:
    given: dict[str, Any] = {
        "project_id": "p",
        "user_id": "u",
        "name": 'it\'s 100% \\ "quoted"',
        "hostname": "h",
        "flavor": {"id": "1", "extra_specs": {"hw:x": "%s $1"}},
        "tags": ["a", "b's"],
        "requested_networks": None,
        "access_ip_v4": "192.0.2.7",
        "access_ip_v6": "2001:db8::7",
        "locked": True,
        "reservation_id": "r-1",
    }
    return Server(**{**given, **values})


def columns(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_rows_are_written_as_the_orm_writes_them(count: int) -> None:
    made = [a_server(launch_index=index) for index in range(count)]
    SERVERS.add(made)
    assert not any(one._state.adding for one in made)
    found = {one.id: one for one in Server.objects.all()}
    assert {one.id: columns(one) for one in made} == {key: columns(one) for key, one in found.items()}


def test_a_key_that_the_database_gives_is_set() -> None:
    event = AuditEvent(action="a", target_type="t", details={"a": [None, 1.5, "x"]})
    EVENTS.add([event])
    found = AuditEvent.objects.get(pk=event.pk)
    assert columns(found) == columns(event) and event.at is not None


def test_a_row_that_the_database_refuses_is_djangos_error() -> None:
    server = a_server()
    SERVERS.add([server])
    with pytest.raises(IntegrityError), transaction.atomic():
        SERVERS.add([a_server(id=server.id)])
    with pytest.raises(DataError), transaction.atomic():
        SERVERS.add([a_server(name="n" * 256)])
    assert Server.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_somebody_catches_still_ends_the_transaction() -> None:
    """As with bulk_create: a commit behind it would run the hooks of rows that are not there."""
    sent: list[int] = []
    server = a_server()
    SERVERS.add([server])

    def refused_and_caught() -> None:
        with transaction.atomic():
            transaction.on_commit(lambda: sent.append(1))
            with contextlib.suppress(IntegrityError):
                SERVERS.add([a_server(id=server.id)])
            Server.objects.count()

    with pytest.raises(TransactionManagementError):
        refused_and_caught()
    assert not sent


def test_one_row_is_one_statement(django_assert_num_queries: Any) -> None:
    SERVERS.add([a_server()])
    with django_assert_num_queries(1):
        SERVERS.add([a_server()])
