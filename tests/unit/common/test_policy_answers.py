"""Results of rules are cached, but never for another caller or target, or for an operator's own rule."""

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from apps.common import policy
from apps.common.context import RequestContext

CALLER = RequestContext(user_id="u1", project_id="p1", roles=("member", "reader"), domain_id=None)
CALLERS = [
    CALLER,
    replace(CALLER, project_id="p2"),
    replace(CALLER, project_id=None),
    replace(CALLER, roles=("reader",)),
    replace(CALLER, roles=("admin",), is_admin=True),
    replace(CALLER, user_id="u2"),
]
TARGETS: list[dict[str, Any] | None] = [
    None,
    {},
    {"project_id": "p1"},
    {"project_id": "p2", "user_id": "u2"},
    {"project_id": None},
    {"user_id": "u1", "project_id": "p2"},
    {"project_id": "p1", "tags": ["a"]},
    {"project_id": 1},
    {"project_id": True},
]
RULES = ("project_member_or_admin", "project_reader_or_admin", "owner", "admin_or_owner", "context_is_admin")


@pytest.mark.parametrize("turn", [1, -1])
def test_a_kept_answer_is_the_rules_own(turn: int) -> None:
    cases = list(product(CALLERS, RULES, TARGETS))[::turn]
    told = [policy.allowed(caller, rule, target) for caller, rule, target in cases * 2]
    for answer, (caller, rule, target) in zip(told, cases * 2, strict=True):
        subject = {"project_id": caller.project_id, "user_id": caller.user_id} if target is None else target
        assert answer == policy._engine(rule)._evaluate(caller, rule, subject), (caller, rule, target)
    assert True in told and False in told


def test_the_key_has_all_that_rules_may_look_at() -> None:
    others: dict[str, Any] = {"roles": ("x",), "is_admin": True, "is_restricted": True}
    for name in (field.name for field in fields(RequestContext)):
        changed = replace(CALLER, **{name: others.get(name, "other")})
        assert (changed.credentials() != CALLER.credentials()) == (changed.policy_key() != CALLER.policy_key()), name


def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ANSWERS", 8)
    for number in range(50):
        assert not policy.allowed(CALLER, "owner", {"user_id": f"somebody {number}"})
    kept = policy._engine("owner").answers or {}
    assert len(kept) <= 8
    before = dict(kept)
    assert not policy.allowed(CALLER, "owner", {"user_id": "x" * 1000})
    assert kept == before, "what a caller may choose at length is not kept"


def test_the_operators_rules_are_asked_every_time(settings: Any, tmp_path: Any) -> None:
    settings.STATE_DIR = tmp_path
    (tmp_path / "policy.yaml").write_text('"owner": "role:member"\n')
    assert policy._engine("owner").answers is None
    assert policy.allowed(CALLER, "owner", {}) and not policy.allowed(replace(CALLER, roles=()), "owner", {})
