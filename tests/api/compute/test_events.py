"""Every action is recorded as an event, also if no worker is involved."""

from typing import Any

import pytest

from apps.compute.models import Server
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller

ACTIONS = [
    ("lock", {"lock": None}),
    ("unlock", {"unlock": None}),
    ("resetState", {"os-resetState": {"state": "error"}}),
]


@pytest.mark.parametrize(("name", "body"), ACTIONS)
def test_actions_within_the_request(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, name: str, body: dict[str, Any]
) -> None:
    answer = admin.post(f"/servers/{server.id}/action", body)
    assert answer.status_code == 202
    listed = alice.get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert [(one["action"], one["user_id"]) for one in listed] == [(name, admin.project_id)]
    path = f"/servers/{server.id}/os-instance-actions/{listed[0]['request_id']}"
    shown = admin.at("2.51").get(path).json()["instanceAction"]
    assert (shown["action"], shown["message"], shown["events"]) == (name, None, [])


@pytest.mark.usefixtures("no_broker")
def test_they_are_in_the_way_of_nothing(alice: ComputeCaller, admin: ComputeCaller, server: Server) -> None:
    Server.objects.update(host="h1")
    path = f"/servers/{server.id}/action"
    for body in ({"lock": None}, {"unlock": None}, {"os-stop": None}):
        assert admin.post(path, body).status_code == 202
    assert [run.state for run in Run.objects.order_by("created_at")] == ["succeeded", "succeeded", "queued"]
    listed = alice.get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert [one["action"] for one in listed] == ["stop", "unlock", "lock"]
