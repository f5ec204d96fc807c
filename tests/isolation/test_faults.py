"""A fault is never an absence: with the database gone in mid-request every call answers 503, never 404 or less.

Clients act on what is not there: Kubernetes deletes nodes whose servers answer 404, CI systems what a list leaves out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from tests.isolation import bodies
from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import Call, calls

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LOST = "server closed the connection unexpectedly"
# What the answer may be beside 503: the caller's mistake was found before the database was asked.
MISTAKES = (400, 405, 415)


class Lost:
    """Lets so many statements through, and loses the session with the next one and all after it."""

    def __init__(self, let_through: int) -> None:
        self.left, self.ran = let_through, 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):  # the test's own transaction must go on
            return execute(sql, params, many, context)
        self.ran += 1
        if self.left <= 0:
            raise OperationalError(LOST)
        self.left -= 1
        return execute(sql, params, many, context)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _positions(statements: int) -> list[int]:
    """Return after how many statements the session is lost: the first, the last, some between."""
    return sorted({0, 1, statements // 2, statements - 1} & set(range(statements)))


def _look(call: Call, values: dict[str, str], send: Callable[..., Any], body: Any, seen: Counter[int]) -> Iterator[str]:
    path, counting = call.path(values), Lost(10**6)
    with undone(), connection.execute_wrapper(counting):
        whole = send(call.method, path, body)
    for position in _positions(counting.ran):
        with undone(), connection.execute_wrapper(Lost(position)):
            answer = send(call.method, path, body)
        seen[answer.status_code] += 1
        if answer.status_code == 503 or answer.status_code in MISTAKES:
            continue
        same = answer.status_code == whole.status_code and (call.writes or len(answer.content) == len(whole.content))
        if not same:
            yield f"{call}: {answer.status_code} instead of {whole.status_code}, statement {position + 1}"


def test_a_database_that_goes_away_is_a_503(bob: Person, bobs: Belongings) -> None:
    wrong: list[str] = []
    seen: Counter[int] = Counter()
    for call in calls():
        if call.is_open:
            continue
        values = bobs.of(call.route)
        send = bob.call
        for body in list(bodies.of(call, values))[:1]:
            wrong += _look(call, values, send, body, seen)
    assert seen[503] > len(calls()), seen
    assert not wrong, "\n".join(wrong)
