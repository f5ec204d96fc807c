"""os-server-external-events: each event is answered, and those of networks have ports programmed again."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.compute.models import Server
from apps.networking.services import interfaces
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.django_db
PATH = "/os-server-external-events"
MOST = "2.93"


@pytest.fixture
def programmed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []
    monkeypatch.setattr(interfaces.rpcapi, "changed", lambda servers: asked.append(list(servers)))
    return asked


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server]) -> Server:
    return make_server(alice, host="h1")


def event(server: Server | None, name: str = "network-changed", **more: str) -> dict[str, str]:
    return {"server_uuid": str(server.id if server else uuid.uuid4()), "name": name, **more}


def test_taken_in_whole_or_in_part(
    admin: ComputeCaller, alice: ComputeCaller, server: Server, make_server: Callable[..., Server],
    programmed: list[Any],
) -> None:  # fmt: skip
    answer = admin.post(PATH, {"events": [event(server, tag="x", status="failed")]})
    assert answer.status_code == 200
    assert answer.json() == {"events": [{**event(server, tag="x"), "status": "failed", "code": 200}]}
    unplaced = make_server(alice)
    events = [event(server), event(None), event(unplaced), event(server, "volume-extended")]
    answer = admin.at(MOST).post(PATH, {"events": events})
    assert answer.status_code == 207
    assert [(item["code"], item["status"]) for item in answer.json()["events"]] == [
        (200, "completed"), (404, "failed"), (422, "failed"), (400, "failed"),
    ]  # fmt: skip
    assert programmed == [[server.id], [server.id]]
    for refused in (event(None), event(unplaced)):
        answer = admin.post(PATH, {"events": [refused]})
        assert answer.status_code == 404
        assert answer.json()["itemNotFound"]["message"] == "No instances found for any event"


@pytest.mark.parametrize(
    ("name", "first", "tag"),
    [
        ("network-vif-plugged", "2.1", None),
        ("network-vif-unplugged", "2.1", None),
        ("network-vif-deleted", "2.1", None),
        ("volume-extended", "2.51", "v"),
        ("power-update", "2.76", "POWER_ON"),
        ("accelerator-request-bound", "2.82", "a"),
        ("volume-reimaged", "2.93", "v"),
    ],
)
def test_names_by_version(
    admin: ComputeCaller, server: Server, programmed: list[Any], name: str, first: str, tag: str | None
) -> None:
    body = {"events": [event(server, name, **({"tag": tag} if tag else {}))]}
    assert admin.at(first).post(PATH, body).status_code == 200
    assert bool(programmed) == name.startswith("network-")
    if first != "2.1":
        before = f"2.{int(first.split('.')[1]) - 1}"
        assert admin.at(before).post(PATH, body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {}, {"events": []}, {"events": [{}]}, {"events": [{"name": "network-changed"}]},
        {"events": [{"server_uuid": "x", "name": "network-changed"}]},
        {"events": [{"server_uuid": str(uuid.uuid4()), "name": "other"}]},
        {"events": [{"server_uuid": str(uuid.uuid4()), "name": "network-changed", "status": "x"}]},
        {"events": [{"server_uuid": str(uuid.uuid4()), "name": "network-changed", "tag": 1}]},
        {"events": [{"server_uuid": str(uuid.uuid4()), "name": "network-changed", "more": "x"}]},
    ],
)  # fmt: skip
def test_bodies_that_are_none(admin: ComputeCaller, body: Any) -> None:
    assert admin.post(PATH, body).status_code == 400


def test_for_administrators(alice: ComputeCaller, server: Server) -> None:
    assert alice.post(PATH, {"events": [event(server)]}).status_code == 403
