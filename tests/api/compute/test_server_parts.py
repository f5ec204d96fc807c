"""A server's metadata, tags, addresses and actions over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Server
from apps.quotas.models import Limit
from apps.workflow.models import Run

pytestmark = pytest.mark.django_db


def test_metadata(alice: Any, server: Server) -> None:
    path = f"/servers/{server.id}/metadata"
    assert alice.get(path).json() == {"metadata": {}}
    assert alice.post(path, {"metadata": {"a": "1", "b": "2"}}).json() == {"metadata": {"a": "1", "b": "2"}}
    assert alice.post(path, {"metadata": {"a": "3"}}).json() == {"metadata": {"a": "3", "b": "2"}}
    assert alice.get(f"{path}/a").json() == {"meta": {"a": "3"}}
    assert alice.put(f"{path}/c", {"meta": {"c": "4"}}).json() == {"meta": {"c": "4"}}
    assert alice.put(f"{path}/c", {"meta": {"d": "4"}}).status_code == 400
    assert alice.delete(f"{path}/a").status_code == 204
    assert alice.delete(f"{path}/a").status_code == 404
    assert alice.get(f"{path}/a").status_code == 404
    assert alice.put(path, {"metadata": {"z": ""}}).json() == {"metadata": {"z": ""}}
    assert Server.objects.get().metadata == {"z": ""}


@pytest.mark.parametrize(
    "items",
    [{"": "x"}, {"k" * 256: "x"}, {"k": "v" * 256}, {"k": 1}, {"k": None}, {"a/b": "x"}, {"k": "\0"}, [], None, "x"],
)
def test_bad_metadata(alice: Any, server: Server, items: object) -> None:
    path = f"/servers/{server.id}/metadata"
    assert alice.post(path, {"metadata": items}).status_code == 400
    assert alice.put(path, {"metadata": items}).status_code == 400
    assert alice.put(f"{path}/k", {"meta": items}).status_code == 400
    assert Server.objects.get().metadata == {}


def test_metadata_quota(alice: Any, server: Server) -> None:
    Limit.objects.create(owner_id=alice.project_id, resource="metadata_items", value=2)
    path = f"/servers/{server.id}/metadata"
    assert alice.post(path, {"metadata": {"a": "1", "b": "2"}}).status_code == 200
    refused = alice.put(f"{path}/c", {"meta": {"c": "1"}})
    assert refused.status_code == 403 and "metadata_items" in refused.json()["forbidden"]["message"]
    assert alice.put(f"{path}/a", {"meta": {"a": "9"}}).status_code == 200


def test_metadata_wants_a_server_at_rest_and_unlocked(alice: Any, admin: Any, server: Server) -> None:
    path, items = f"/servers/{server.id}/metadata", {"metadata": {"a": "1"}}
    Server.objects.update(vm_state="building")
    refused = alice.post(path, items)
    assert refused.status_code == 409 and "building" in refused.json()["conflictingRequest"]["message"]
    Server.objects.update(vm_state="active", locked=True)
    assert alice.post(path, items).status_code == 409
    assert admin.post(path, items).status_code == 200


def test_tags(alice: Any, server: Server) -> None:
    path = f"/servers/{server.id}/tags"
    assert alice.at("2.25").get(path).status_code == 404
    v = alice.at("2.26")
    assert v.put(path, {"tags": ["b", "a", "b"]}).json() == {"tags": ["a", "b"]}
    assert v.get(path).json() == {"tags": ["a", "b"]}
    assert v.get(f"{path}/a").status_code == 204 and v.get(f"{path}/z").status_code == 404
    made = v.put(f"{path}/c")
    assert made.status_code == 201 and made["Location"].endswith(f"/servers/{server.id}/tags/c")
    assert v.put(f"{path}/c").status_code == 204
    assert v.delete(f"{path}/c").status_code == 204 and v.delete(f"{path}/c").status_code == 404
    assert v.delete(path).status_code == 204 and v.get(path).json() == {"tags": []}
    for bad in (["a,b"], ["a/b"], [""], ["x" * 61], [str(n) for n in range(51)], "x", None, [1, None]):
        assert v.put(path, {"tags": bad}).status_code == 400
    v.put(path, {"tags": [str(n) for n in range(50)]})
    assert v.put(f"{path}/more").status_code == 400
    assert v.put(f"{path}/{'x' * 61}").status_code == 400
    Server.objects.update(vm_state="error")
    assert v.delete(path).status_code == 409


def test_ips_of_a_server_without_ports(alice: Any, server: Server) -> None:
    assert alice.get(f"/servers/{server.id}/ips").json() == {"addresses": {}}
    assert alice.get(f"/servers/{server.id}/ips/private").status_code == 404


PARTS = [
    ("get", "/metadata", None),
    ("post", "/metadata", {"metadata": {"a": "1"}}),
    ("put", "/metadata", {"metadata": {"a": "1"}}),
    ("get", "/metadata/a", None),
    ("put", "/metadata/a", {"meta": {"a": "1"}}),
    ("delete", "/metadata/a", None),
    ("get", "/tags", None),
    ("put", "/tags", {"tags": ["a"]}),
    ("delete", "/tags", None),
    ("get", "/tags/a", None),
    ("put", "/tags/a", None),
    ("delete", "/tags/a", None),
    ("get", "/ips", None),
    ("get", "/ips/n", None),
    ("get", "/os-instance-actions", None),
    ("get", "/os-instance-actions/req-1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PARTS)
def test_another_projects_server_does_not_exist(bob: Any, server: Server, method: str, path: str, body: Any) -> None:
    for key in (server.id, uuid.uuid4(), "rubbish"):
        answer = bob.at("2.96").call(method, f"/servers/{key}{path}", body)
        assert answer.status_code == 404 and "itemNotFound" in answer.json()
    after = Server.objects.get()
    assert after.metadata == {} and after.tags == []


@pytest.mark.parametrize(("method", "path", "body"), [part for part in PARTS if part[0] != "get"])
def test_readers_change_nothing(alice: Any, server: Server, method: str, path: str, body: Any) -> None:
    alice.roles = ("reader",)
    assert alice.at("2.96").call(method, f"/servers/{server.id}{path}", body).status_code == 403
    after = Server.objects.get()
    assert after.metadata == {} and after.tags == []


def make_run(server: Server, minutes: int = 0, **values: Any) -> Run:
    when = timezone.now() - timedelta(minutes=minutes)
    defaults = {
        "pipeline": "server.build",
        "action": "create",
        "subject_type": "server",
        "subject_id": server.id,
        "project_id": server.project_id,
        "user_id": server.user_id,
        "request_id": f"req-{uuid.uuid4()}",
        "state": "succeeded",
        "queue": "scheduler",
        "created_at": when,
        "updated_at": when,
        "deadline_at": when,
    }
    return Run.objects.create(**{**defaults, **values})


def add_step(run: Run, name: str, result: str, **values: Any) -> None:
    now = timezone.now()
    ended = now if result else None
    run.steps.create(
        name=name, result=result, queue="q", host="h1", enqueued_at=now, started_at=now, finished_at=ended, **values
    )


def test_actions_by_version(alice: Any, server: Server) -> None:
    run = make_run(server, state="failed", error_cause="image_corrupt", error_message="The checksum is wrong.")
    [old] = alice.get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert set(old) == {"action", "instance_uuid", "message", "project_id", "request_id", "start_time", "user_id"}
    assert (old["action"], old["request_id"]) == ("create", run.request_id)
    assert old["message"] == "The checksum is wrong. Upload the image again."
    [new] = alice.at("2.58").get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert set(new) == {*old, "updated_at"}


def test_events_by_version(alice: Any, admin: Any, server: Server) -> None:
    run = make_run(server)
    add_step(run, "schedule", "success")
    add_step(run, "spawn", "error", error_message="no room", error_details="where it broke")
    add_step(run, "revert", "")
    path = f"/servers/{server.id}/os-instance-actions/{run.request_id}"
    shown = lambda who, version: who.at(version).get(path).json()["instanceAction"].get("events")  # noqa: E731
    assert shown(alice, "2.50") is None
    basic = {"event", "start_time", "finish_time", "result"}
    assert set(shown(alice, "2.51")[0]) == basic
    assert set(shown(alice, "2.96")[0]) == {*basic, "hostId"}
    assert set(shown(admin, "2.1")[0]) == {*basic, "traceback"}
    assert set(shown(admin, "2.62")[0]) == {*basic, "traceback", "host", "hostId"}
    assert set(shown(admin, "2.84")[0]) == {*basic, "traceback", "host", "hostId", "details"}
    told = [(e["event"], e["result"], e["details"], e["traceback"]) for e in shown(admin, "2.84")]
    assert told == [
        ("server.build.schedule", "Success", None, None),
        ("server.build.spawn", "Error", "no room", "where it broke"),
        ("server.build.revert", None, None, None),
    ]
    assert shown(alice, "2.96")[0]["hostId"] not in ("", "h1")
    assert alice.get(f"/servers/{server.id}/os-instance-actions/req-none").status_code == 404


def test_actions_of_a_deleted_server(alice: Any, bob: Any, server: Server) -> None:
    make_run(server)
    Server.objects.update(deleted_at=timezone.now(), vm_state="deleted")
    path = f"/servers/{server.id}/os-instance-actions"
    assert alice.at("2.20").get(path).status_code == 404
    assert len(alice.at("2.21").get(path).json()["instanceActions"]) == 1
    assert bob.at("2.21").get(path).status_code == 404


def test_action_pages_and_times(alice: Any, server: Server, django_assert_num_queries: Any) -> None:
    runs = [make_run(server, minutes=10 * n) for n in range(4)]
    path, v = f"/servers/{server.id}/os-instance-actions", alice.at("2.96")
    first = v.get(path, limit=2).json()
    assert [a["request_id"] for a in first["instanceActions"]] == [r.request_id for r in runs[:2]]
    assert runs[1].request_id in first["links"][0]["href"]
    rest = v.get(path, limit=2, marker=runs[1].request_id).json()
    assert [a["request_id"] for a in rest["instanceActions"]] == [r.request_id for r in runs[2:]]
    assert "links" not in rest
    middle = (timezone.now() - timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(v.get(path, **{"changes-since": middle}).json()["instanceActions"]) == 2
    assert len(v.get(path, **{"changes-before": middle}).json()["instanceActions"]) == 2
    for bad in ({"marker": "x"}, {"changes-since": "x"}, {"bogus": 1}):
        assert v.get(path, **bad).status_code == 400
    assert alice.at("2.65").get(path, **{"changes-before": middle}).status_code == 400
    assert alice.at("2.57").get(path, bogus=1).status_code == 200
    with django_assert_num_queries(2):
        v.get(path)
    with django_assert_num_queries(3):
        v.get(f"{path}/{runs[0].request_id}")
