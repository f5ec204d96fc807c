"""The lock watch notes functions, statements, and the ends of transactions and savepoints."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from apps.compute import locks as compute
from apps.compute.services import server_states
from apps.compute.sql import servers as sql
from apps.networking import locks as networking
from apps.scheduling.services import allocations
from tests import lock_order

pytestmark = pytest.mark.django_db
ID = uuid.uuid4()


@pytest.fixture
def falls() -> Iterator[list[str]]:
    """What the watch records of this test; cleared at its end."""
    yield lock_order._falls
    lock_order._falls.clear()


def server_row() -> None:
    compute.server(ID)


def port_row() -> None:
    networking.port(ID)


def planned() -> None:
    sql.SET_HOST.run({"id": ID, "host": "h", "zone": "z"})


def queryset() -> None:
    server_states.end_task(server_id=ID)


def allocation() -> None:
    allocations.release(consumer_id=ID)


@pytest.mark.parametrize("first", [port_row, allocation])
@pytest.mark.parametrize("second", [server_row, planned, queryset])
def test_a_fall_is_seen(falls: list[str], first: Callable[[], None], second: Callable[[], None]) -> None:
    with transaction.atomic():
        first()
        second()
    assert len(falls) == 1 and "→ SERVER" in falls[0]


@transaction.atomic
def both() -> None:
    server_row()
    port_row()
    queryset()


def test_what_is_held_already_may_be_locked_again(falls: list[str]) -> None:
    both()
    both()
    assert not falls


def test_each_transaction_begins_anew(falls: list[str]) -> None:
    with transaction.atomic():
        port_row()
    with transaction.atomic():
        server_row()
    assert not falls


@transaction.atomic
def fails_with_a_port() -> None:
    port_row()
    raise RuntimeError


def test_a_savepoints_rollback_gives_its_locks_back(falls: list[str]) -> None:
    with transaction.atomic():
        with pytest.raises(RuntimeError):
            fails_with_a_port()
        server_row()
    assert not falls
    with transaction.atomic():
        with transaction.atomic():
            port_row()
        server_row()
    assert len(falls) == 1
