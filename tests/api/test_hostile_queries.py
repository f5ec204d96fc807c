"""Every query parameter of every list with hostile values over HTTP: a list or a refusal, in time.

Parameters are noted when a list reads them, so a new filter is tested without a change here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from rest_framework.test import APIClient

from apps.common.api import queries as kit
from apps.common.context import RequestContext
from apps.compute.api.views.base import ComputeView
from tests.api.test_hostile_filters import VALUES
from tests.isolation import conftest
from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import Call, calls

bob, bobs, cloud, directories = conftest.bob, conftest.bobs, conftest.cloud, conftest.directories
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CLIENT = APIClient()  # one: each builds the chain of middleware again
PAGING = {"limit", "marker", "sort_key", "sort_dir", "sort", "page_reverse", "offset"}
ORDERS = (
    "password",
    "id:sideways",
    "__class__",
    "user__password",
    "-id",
    "created_at,id,,",
    "id' desc; --",
    "x" * 5000,
)
# Values take turns: with a share of n a name meets each n-th, and all names together meet all.
SHARES = (pytest.param(1, marks=[pytest.mark.heavy, pytest.mark.timeout(1800)]), 30)
LISTS = {  # some of those that must be among them
    *(f"identity/v3/{noun}" for noun in ("users", "projects", "domains", "groups", "roles", "role_assignments")),
    *(f"identity/v3/{noun}" for noun in ("services", "endpoints", "regions", "credentials", "policies", "limits")),
    *("identity/v3/registered_limits", "identity/v3/OS-TRUST/trusts"),
    *(f"identity/v3/users/<str:user_id>/{noun}" for noun in ("application_credentials", "access_rules")),
    *("compute/v2.1/servers/detail", "compute/v2.1/flavors/detail", "compute/v2.1/os-keypairs"),
    *("image/v2/images", "network/v2.0/ports", "network/v2.0/security-group-rules"),
}


class Asked(dict[str, Any]):
    """Query parameters that note which names are read."""

    names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of query parameters that views read from now on."""
    names: set[str] = set()
    monkeypatch.setattr(Asked, "names", names)
    for method in ("__contains__", "__getitem__", "get", "getlist"):
        original = getattr(QueryDict, method)

        def spy(self: Any, name: str, *more: Any, _original: Any = original, **keywords: Any) -> Any:
            names.add(name)
            return _original(self, name, *more, **keywords)

        monkeypatch.setattr(QueryDict, method, spy)
    plain = QueryDict.dict
    monkeypatch.setattr(QueryDict, "dict", lambda self: Asked(plain(self)))
    monkeypatch.setattr(kit, "plain", lambda params: Asked(params.lists()))
    check = ComputeView.check_query

    def declared(view: Any, known: Iterable[str] = (), *, repeatable: Iterable[str] = (), **keywords: Any) -> None:
        names.update(known := tuple(known), repeatable := tuple(repeatable))
        check(view, known, repeatable=repeatable, **keywords)

    monkeypatch.setattr(ComputeView, "check_query", declared)
    return names


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send(person: Person, call: Call, path: str, params: list[tuple[str, str]]) -> Any:
    context = RequestContext(user_id=person.user.pk, project_id=person.project.pk, roles=("admin",), is_admin=True)
    CLIENT.force_authenticate(user=object(), token=context)  # type: ignore[arg-type]
    version = "2.35" if "/os-networks" in path or "/os-tenant" in path or path.endswith("/images") else "2.96"
    with undone():
        return getattr(CLIENT, call.method)(
            f"{path}?{urlencode(params)}",
            headers={"OpenStack-API-Version": f"compute {version}", "Accept": "application/json"},
        )


def values_of(name: str, turn: int, share: int) -> Iterator[str]:
    """Yield the values for a parameter, more of them for paging and sorting."""
    share = max(1, share // 4) if name in PAGING else share
    values = (*VALUES, *ORDERS) if name.startswith("sort") else VALUES
    yield from values[turn % min(share, len(values)) :: share]


def names_of(person: Person, call: Call, path: str, asked: set[str]) -> set[str]:
    """Return the parameters that a list reads, including those that it reads only with others."""
    asked.clear()
    send(person, call, path, [("limit", "1")])
    first = set(asked)
    send(person, call, path, [(name, "1") for name in sorted(first)])
    return set(asked) - {"format"}


@pytest.mark.parametrize("share", SHARES)
def test_no_parameter_breaks_a_list(bob: Person, bobs: Belongings, asked: set[str], share: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1s'")
    wrong: list[str] = []
    met: dict[str, set[str]] = {}
    turn = 0
    for call in calls():
        if call.method != "get" or call.is_open:
            continue
        path = call.path(bobs.of(call.route))
        met[call.route] = names_of(bob, call, path, asked)
        for name in sorted(met[call.route]):
            turn += 1
            if share > 1 and turn % 3:  # each third name; `make test-all` takes all
                continue
            for value in values_of(name, turn, share):
                code = send(bob, call, path, [(name, value)]).status_code
                if code >= 500:
                    wrong.append(f"{call}?{name}={value[:60]!r}: {code}")
    assert not wrong, "\n".join(wrong)
    missing = LISTS - {route for route, names in met.items() if names}
    assert not missing
