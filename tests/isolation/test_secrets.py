"""Security class 15: no log line holds a secret, at DEBUG, for every call and outcome."""

import logging
from typing import Any

import pytest
from django.db import connection

from apps.common.models import AuditEvent
from tests.isolation import bodies
from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import calls
from tests.unit.identity.dialogue import Api, password_body

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SENTINEL = "sentinel-6f1c"


def _said(caplog: Any, capfd: Any) -> str:
    return str(caplog.text) + "".join(capfd.readouterr())


def test_sentinels_stay_out_of_logs_and_of_the_audit_trail(bob: Person, caplog: Any, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    user, project = bob.user.pk, bob.project.pk
    secret = {"name": "x", "secret": f"{SENTINEL}-secret"}
    bodies_by_path = {
        "/identity/v3/auth/tokens": password_body("bob", f"{SENTINEL}-password"),
        "/identity/v2.0/tokens": {"auth": {"passwordCredentials": {"username": "b", "password": f"{SENTINEL}-v2"}}},
        f"/identity/v3/users/{user}/password": {
            "user": {"password": f"{SENTINEL}-new", "original_password": f"{SENTINEL}-old"}
        },
        f"/identity/v3/users/{user}/application_credentials": {"application_credential": secret},
        "/identity/v3/credentials": {"credential": {"type": "t", "blob": f"{SENTINEL}-blob", "project_id": project}},
        "/identity/v3/users": {"user": {"name": "n", "password": f"{SENTINEL}-user"}},
        "/compute/v2.1/servers": {
            "server": {
                "name": "s",
                "imageRef": project,
                "flavorRef": "1",
                "networks": "none",
                "adminPass": f"{SENTINEL}-admin",
                "user_data": f"{SENTINEL}data",
                "personality": [{"path": "/x", "contents": f"{SENTINEL}file"}],
            }
        },
    }
    for path, body in bodies_by_path.items():
        bob.call("post", path, body)
        bob.call("post", path, body, **{"X-Auth-Token": f"{SENTINEL}-token"})
    bob.call("get", f"/identity/v2.0/tokens/{SENTINEL}-token")
    Api().client.post("/admin/login/", {"username": "bob", "password": f"{SENTINEL}-login"})
    said = _said(caplog, capfd)
    assert SENTINEL not in said
    assert bob.token not in said
    assert SENTINEL not in str(list(AuditEvent.objects.values()))


def test_an_error_inside_a_view_shows_nothing(
    bob: Person, bobs: Belongings, caplog: Any, capfd: Any, monkeypatch: Any
) -> None:
    """OSSA 2017-001, 2019-003: a traceback without the token, an answer without the exception."""
    caplog.set_level(logging.DEBUG)

    def broken(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        token, password = bob.token, f"{SENTINEL}-local"  # what a traceback with locals would show
        raise RuntimeError(f"inside {len(token)} {len(password)}")

    for call in calls():
        if call.method != "get" or call.is_open:
            continue
        with monkeypatch.context() as patched:
            patched.setattr(call.view, "get", broken)
            patched.setattr(call.view, "versions", None, raising=False)  # calls that newer microversions lack, too
            answer = bob.call("get", call.path(bobs.of(call.route)))
        assert answer.status_code == 500, call
        assert b"inside" not in answer.content and b"Traceback" not in answer.content
        assert answer["x-openstack-request-id"].startswith("req-")
    said = _said(caplog, capfd)
    assert bob.token not in said
    assert SENTINEL not in said


def test_every_text_has_an_end(bob: Person, bobs: Belongings) -> None:
    """Security class 13: no string goes through without a limit. A name of 70,000 characters is stored nowhere."""
    long = "n" * 70_000

    def grown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: grown(one) for key, one in value.items()}
        if isinstance(value, list):
            return [grown(one) for one in value]
        return long if isinstance(value, str) else value

    admin, wrong = Person("root", "b", "admin"), []
    for call in calls():
        if not call.writes or call.method == "delete" or call.route.endswith("/file"):
            continue
        values = bobs.of(call.route)
        for body in bodies.of(call, values):
            if grown(body) == body or call.method not in call.view.request_serializers:
                continue  # nothing in it is text, or it is not read at all
            code = admin.call(call.method, call.path(values), grown(body)).status_code
            if code not in (400, 401, 403, 404, 405, 409, 413):
                wrong.append(f"{call}: {code}")
    assert not wrong, "\n" + "\n".join(wrong)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM compute_server WHERE length(name) > 255")
        assert cursor.fetchone() == (0,)
