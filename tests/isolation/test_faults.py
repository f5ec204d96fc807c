"""If the database fails during a request, the call answers 503, never 404.

Clients act on what is not there: Kubernetes deletes nodes whose servers answer 404, CI systems what a list leaves out.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.utils import timezone

from apps.common import dispatch
from apps.compute.models import Server
from apps.scheduling.models import Host, Inventory
from tests.callers import Caller
from tests.isolation import bodies
from tests.isolation.belongings import PROXIED, Belongings, Person
from tests.isolation.routes import Call, calls
from tests.lock_order import undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LOST = "server closed the connection unexpectedly"
# What the answer may be beside 503: the caller's mistake was found before the database was asked.
MISTAKES = (400, 405, 415)
NAMES = ("id", "name", "uuid", "hypervisor_hostname", "zoneName", "binary")


class Lost:
    """Lets this many statements pass, then loses the session with each further one."""

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


def _keys(document: Any) -> Counter[str]:
    """Return what a document names, lists in lists included: an entry that is left out is missing here."""
    if isinstance(document, dict):
        named = [f"{key}={value}" for key, value in document.items() if key in NAMES and isinstance(value, str)]
        return sum((_keys(value) for value in document.values()), Counter(named))
    return sum((_keys(value) for value in document), Counter()) if isinstance(document, list) else Counter()


def _read_all(person: Person, belongings: Belongings) -> dict[str, tuple[int, Counter[str]]]:
    """Return status and names of the answer to every GET, as an administrator of the person's project has it."""
    caller, answers = Caller("", admin=True, project_id=person.project.pk), {}
    for call in calls():
        if call.method != "get" or call.is_open:
            continue
        path = call.path(belongings.of(call.route))
        version = "2.35" if PROXIED.match(path) else "2.102"
        headers = {"OpenStack-API-Version": f"compute {version}", "Accept": "application/json"}
        with undone():
            answer = caller.call("get", path, headers=headers)
        is_document = answer.get("Content-Type", "").startswith("application/json")
        answers[call.route] = (answer.status_code, _keys(json.loads(answer.content)) if is_document else Counter())
    return answers


@pytest.fixture
def host(bobs: Belongings) -> Host:
    """The host of all servers, up."""
    made = Host.objects.create(name="host-1", number=1, hypervisor_type="QEMU", heartbeat_at=timezone.now())
    Inventory.objects.create(host=made, vcpus=8, ram_mib=8192, disk_gib=100)
    Server.objects.update(host=made.name)
    return made


def lose_redis(host: Host, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def refuse(run: Any) -> None:
        raise redis.ConnectionError(LOST)

    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(dispatch, "_send", refuse)


def lose_agent(host: Host, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    host.refresh_from_db()
    assert not host.is_up


@pytest.mark.parametrize("lose", [lose_redis, lose_agent])
def test_what_is_read_stays_without_redis_and_agents(
    bob: Person, bobs: Belongings, host: Host, lose: Callable[..., None], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    whole = _read_all(bob, bobs)
    lose(host, monkeypatch, settings)
    wrong = []
    for route, (status, names) in _read_all(bob, bobs).items():
        if status != 503 and (status != whole[route][0] or whole[route][1] - names):
            wrong.append(f"{route}: {status} instead of {whole[route][0]}, without {whole[route][1] - names}")
    assert not wrong, "\n".join(wrong)
    assert sum(status == 200 for status, _ in whole.values()) > len(whole) / 2
