"""Words for false: no spelling of "no" by an operator or a client may mean yes (OSSA 2026-007)."""

from typing import Any

import pytest

from apps.identity.models import Project, User
from apps.identity.selectors import filters
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db
FALSE = ["FALSE", "False", "false", "0", "no", "NO", "off", "f", "n", " false "]
TRUE = ["TRUE", "True", "true", "1", "yes", "on", "t", "y", ""]


@pytest.mark.parametrize(("word", "meant"), [*((word, False) for word in FALSE), *((word, True) for word in TRUE)])
def test_words_of_a_query(as_admin: Api, demo: User, project: Project, word: str, meant: bool) -> None:
    assert filters.STYLE.boolean(word, "enabled") is meant
    User.objects.filter(pk=demo.pk).update(enabled=False)
    Project.objects.filter(pk=project.pk).update(enabled=False)
    for collection, name in (("users", "demo"), ("projects", "demo")):
        found = as_admin.call("get", f"/v3/{collection}?enabled={word.replace(' ', '%20')}&name={name}").json()
        assert bool(found[collection]) is not meant


@pytest.mark.parametrize("value", ["FALSE", "true", "0", "1", "no", "", 0, 1, 0.0, [], {}])
@pytest.mark.parametrize("option", ["lock_password", "multi_factor_auth_enabled", "ignore_lockout_failure_attempts"])
def test_options_take_true_and_false_alone(as_admin: Api, demo: User, option: str, value: Any) -> None:
    path = f"/v3/users/{demo.pk}"
    assert as_admin.call("patch", path, {"user": {"options": {option: value}}}).status_code == 400
    demo.refresh_from_db()
    assert demo.options == {}


@pytest.mark.parametrize("value", ["FALSE", "false", "0", "no", "off", 0, "", None])
def test_no_word_enables_anybody(as_admin: Api, demo: User, value: Any) -> None:
    path = f"/v3/users/{demo.pk}"
    assert as_admin.call("patch", path, {"user": {"enabled": False}}).status_code == 200
    assert as_admin.call("patch", path, {"user": {"enabled": value}}).status_code == 400
    made = as_admin.call("post", "/v3/users", {"user": {"name": "new", "enabled": value}})
    assert made.status_code == 400
    demo.refresh_from_db()
    assert not demo.enabled
    assert not User.objects.filter(name="new").exists()
