"""Every filter and sort key of the longest lists with hostile values over long tables: no statement takes a second."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import AutoField, Model, UUIDField
from django.utils import timezone

from apps.compute.models import Flavor, Server
from apps.compute.selectors import server_lists
from apps.identity import models as identity
from apps.images.api import filters as image_filters
from apps.images.models import Image
from apps.networking.models import FixedIP, Port
from apps.networking.models.ports import PortSecurityGroup
from apps.workflow.models import Run
from tests.api import test_hostile_queries as hostile
from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import Call, calls

asked, bob, bobs, cloud, directories = hostile.asked, hostile.bob, hostile.bobs, hostile.cloud, hostile.directories
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROWS = 20_000
NAME = "repeat('a', 58) || n"  # one character, over and over: where matching is slow
SERVER, PORT = "md5('s' || n)::uuid", "md5('p' || n)::uuid"
VALUES = (
    "", "a" * 255, "a" * 5000, "b" + "a" * 63, "%_\\" * 80, "%a" * 100, "\u00e4\u65e5" * 120, "\ufffe", "\x00", "-1",
    "9" * 30, "'; SELECT pg_sleep(9); --", "in:" + ",".join(["a"] * 500), ",".join(["a"] * 2000),
    "ip_address_substr=1", "lt:9999-12-31T23:59:59Z",
)  # fmt: skip
PATTERNS = (
    r"(a*)*\1b", "a{79}x", "^(.?){26}b", "(.*)*" * 8 + "x", "^(.?){250}b", "(((((a{0,9}){0,9}){0,9}){0,9}){0,9})x",
    "(.*a.{15}){4}x", "[[:alpha:]]{60}x", "a|" * 120 + "b", "(" * 100,
)  # fmt: skip
ORDERS = (*hostile.ORDERS, "name,id,name,id")
USER = "identity/v3/users/<str:user_id>"
# The names that views do not declare, or that only count beside others.
LISTS: dict[str, set[str]] = {
    "compute/v2.1/servers": {"ip", "ip6", "name", *server_lists.KNOWN},
    "compute/v2.1/servers/<server_id>/os-instance-actions": {"changes-since", "changes-before", "marker"},
    "compute/v2.1/os-simple-tenant-usage": {"start", "end", "detailed", "marker"},
    "compute/v2.1/flavors/detail": {"minRam", "minDisk", "is_public"},
    "network/v2.0/ports": {"fixed_ips", "security_groups", "mac_address", "tags-any"},
    "image/v2/images": {*image_filters.EXACT, *image_filters.NUMBERS, "tag", "created_at", "any_property"},
    "identity/v3/users": {"name", "name__icontains", "name__iendswith", "email", "password_expires_at"},
    f"{USER}/application_credentials": {"name", "name__contains"},
    f"{USER}/access_rules": {"service", "path", "path__contains", "path__iendswith", "method"},
}
EVERYWHERE = {"compute/v2.1/servers": [("all_tenants", "1")]}
# Values take turns, as in the test over short tables.
SHARES = (pytest.param(1, marks=[pytest.mark.heavy, pytest.mark.timeout(1800)]), 12)


def multiply(row: Model, **changes: str) -> None:
    """Insert ``ROWS`` copies of a row. ``changes`` are SQL expressions by column, with ``n`` for the copy's number."""
    meta = row._meta
    columns: dict[str, str] = {}
    for field in meta.concrete_fields:
        if field.primary_key and not isinstance(field, AutoField):
            new = "gen_random_uuid()" if isinstance(field, UUIDField) else "md5(n::text)"
            columns[field.column] = changes.get(field.column, new)
        elif not field.primary_key:
            columns[field.column] = changes.get(field.column, f't."{field.column}"')
    assert meta.pk is not None
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{meta.db_table}" ({names}) '
            f"SELECT {', '.join(columns.values())} "
            f'FROM "{meta.db_table}" t, generate_series(1, {ROWS}) n WHERE t."{meta.pk.column}" = %s',
            [row.pk],
        )
        cursor.execute(f'ANALYZE "{meta.db_table}"')


def fill(bob: Person) -> None:
    """Multiply what bob owns; his server has the longest list of actions."""
    now = timezone.now()
    Server.objects.update(launched_at=now - timedelta(hours=1))
    server, port = Server.objects.get(), Port.objects.get(project_id=bob.project.pk, name="p")
    older = "t.created_at - n * interval '1 s'"
    run = Run.objects.create(
        pipeline="server.boot", action="create", subject_type="server", subject_id=server.pk, request_id="req-1",
        next_step="", queue="q", deadline_at=now, state="succeeded",
    )  # fmt: skip
    multiply(server, id=SERVER, name=NAME, hostname=NAME, created_at=older)
    multiply(run, request_id="'req-' || n", created_at=older)
    multiply(Flavor.objects.all()[0], flavor_id="'f' || n", name=NAME, is_public="true")
    multiply(port, id=PORT, name=NAME, mac_address="n::text", device_id=f"({SERVER})::text", request_index="0")
    multiply(FixedIP.objects.get(port=port), port_id=PORT, ip_address="'10.9.0.0'::inet + n")
    multiply(PortSecurityGroup.objects.get(port=port), port_id=PORT)
    multiply(Image.objects.get(name="i"), name=NAME)
    multiply(bob.user, name=NAME)
    multiply(identity.AccessRule.objects.get(), path=NAME)
    multiply(identity.ApplicationCredential.objects.get(), name=NAME)


@pytest.fixture
def long_tables(bob: Person, bobs: Belongings) -> Iterator[None]:
    with hostile.undone():
        fill(bob)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1s'")
        yield


def queries(name: str, turn: int, share: int) -> Iterator[list[tuple[str, str]]]:
    """Yield queries with a parameter: each n-th value, and that value repeated."""
    values = (*VALUES, *PATTERNS) if name in ("name", "ip", "ip6") else VALUES
    values = (*values, *ORDERS) if name.startswith("sort") else values
    page = [] if name == "limit" else [("limit", "2")]
    for value in values[turn % min(share, len(values)) :: share]:
        yield [(name, value), *page]
    if turn % share == 0:
        yield [(name, f"{number}") for number in range(500)]


def orders(call: Call, first: str, turn: int, share: int) -> Iterator[list[tuple[str, str]]]:
    """Yield queries that sort by the list's keys after the row ``first``: each n-th key alone, and eight at once."""
    sorting = call.view.listing.sorting if hasattr(call.view, "listing") else None
    keys = list(sorting.keys) if sorting else []
    page = [("marker", first), ("limit", "2")]
    for chosen in (*([key] for key in keys[turn % min(share, len(keys) or 1) :: share]), keys[:8]):
        for direction in ("asc", "desc") if chosen else ():
            yield [pair for key in chosen for pair in (("sort_key", key), ("sort_dir", direction))] + page


@pytest.mark.parametrize("share", SHARES)
def test_no_statement_takes_long(bob: Person, bobs: Belongings, long_tables: None, asked: set[str], share: int) -> None:
    wrong: list[str] = []
    turn = 0
    lists = {call.route: call for call in calls() if call.method == "get" and call.route in LISTS}
    assert lists.keys() == LISTS.keys()
    for route, call in lists.items():
        path, everywhere = call.path(bobs.of(route)), EVERYWHERE.get(route, [])
        answer = hostile.send(bob, call, path, [("limit", "1"), *everywhere])
        assert answer.status_code == 200, answer.content
        rows = next(value for value in answer.json().values() if isinstance(value, list))
        assert rows, route
        asked_for = [*orders(call, str(rows[0].get("id")), turn, share)]
        for name in sorted(LISTS[route] | hostile.names_of(bob, call, path, asked)):
            turn += 1
            asked_for += queries(name, turn, share)
        for query in asked_for:
            code = hostile.send(bob, call, path, query + everywhere).status_code
            if code == 503:  # once more: a busy machine is no slow statement
                code = hostile.send(bob, call, path, query + everywhere).status_code
            if code >= 500:
                wrong.append(f"{call}?{query[0][0]}={query[0][1][:60]!r}: {code}")
    assert not wrong, "\n".join(wrong)
