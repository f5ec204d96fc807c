"""Every route has a rule: an administrator calls all routes, and the checked rules are recorded.

``RECORD_POLICY=1 make test ARGS="tests/isolation/test_rules.py"`` writes the table again, and
``manage.py policy_docs`` the page that is made of it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.common import policy
from apps.common.context import RequestContext
from apps.identity.management.commands.policy_docs import PAGE, TABLE
from tests.isolation import bodies
from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import Call, calls
from tests.lock_order import undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Asked for no rule, and why.
UNGUARDED = {
    "identity/v3/users/<str:user_id>/password": "asks for the old password",
    "image/v2/schemas/<str:name>": "documents about the API",
    "image/v2/schemas/metadefs/<str:name>": "documents about the API",
    "image/v2/info/import": "documents about the API",
    "image/v2/info/stores": "documents about the API",
    "network/v2.0/extensions": "documents about the API",
    "network/v2.0/extensions/<str:alias>": "documents about the API",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The rules that were looked at since the set was cleared."""
    names: set[str] = set()
    real = policy.allowed

    def allowed(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        names.add(rule)
        return real(context, rule, target)

    monkeypatch.setattr(policy, "allowed", allowed)
    return names


def _rules_of(call: Call, values: dict[str, str], person: Person, asked: set[str]) -> set[str]:
    """Return the rules that a call checks. What it writes is undone."""
    asked.clear()
    for body in bodies.of(call, values):
        with undone():
            person.call(call.method, call.path(values), body)
    if not asked and call.route.startswith("compute"):  # what newer microversions have no more
        with undone():
            person.call(call.method, call.path(values), **{"OpenStack-API-Version": "compute 2.1"})
    return set(asked)


_TABLE: dict[str, list[str]] = {}  # it takes seconds, and both tests read it


@pytest.fixture
def table(bobs: Belongings, asked: set[str]) -> dict[str, list[str]]:
    """Return the rules of every call, as they are asked now."""
    if _TABLE:
        return _TABLE
    root = Person("root", "b", "admin")
    found = {str(call): sorted(_rules_of(call, bobs.of(call.route), root, asked)) for call in calls()}
    if os.environ.get("RECORD_POLICY"):
        TABLE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        call_command("policy_docs")
    _TABLE.update(found)
    return found


def test_every_route_has_a_rule(table: dict[str, list[str]]) -> None:
    unguarded = {f"{call.method.upper()} /{call.route}" for call in calls() if call.is_open or call.route in UNGUARDED}
    assert [call for call, rules in table.items() if not rules and call not in unguarded] == []
    assert {rule for rules in table.values() for rule in rules} <= set(policy.rules())


def test_the_table_and_the_page_are_up_to_date(table: dict[str, list[str]], tmp_path: Path) -> None:
    kept = json.loads(TABLE.read_text())
    differing = [call for call in {*kept, *table} if kept.get(call) != table.get(call)]
    assert sorted(differing) == [], "write them anew: RECORD_POLICY=1 make test ARGS=tests/isolation/test_rules.py"
    fresh = tmp_path / "policies.md"
    call_command("policy_docs", output=str(fresh))
    assert fresh.read_text() == PAGE.read_text()
