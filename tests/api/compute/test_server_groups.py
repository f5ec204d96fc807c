"""os-server-groups: documents by microversion, ownership, quotas, and joining a group."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.models import AuditEvent
from apps.compute import locks
from apps.compute.models import Flavor, Server, ServerGroup
from apps.compute.services import server_states
from apps.identity.services import project_resources
from apps.images.models import Image
from apps.quotas.services import limits, verification
from tests.api.compute.conftest import ComputeCaller

URL = "/os-server-groups"


def make(caller: ComputeCaller, **values: Any) -> dict[str, Any]:
    body = {"server_group": {"name": "g", "policy": "anti-affinity", **values}}
    answer = caller.at("2.64").post(URL, body)
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["server_group"])


@pytest.fixture
def body(flavor: Flavor) -> dict[str, Any]:
    image = Image.objects.create(
        name="i", project_id="x", visibility="public", status="active", disk_format="raw", container_format="bare",
        size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    return {"name": "vm", "imageRef": str(image.id), "flavorRef": flavor.flavor_id, "networks": "none"}


def boot(caller: ComputeCaller, body: dict[str, Any], group: Any, **more: Any) -> Any:
    return caller.at("2.96").post("/servers", {"server": {**body, **more}, "os:scheduler_hints": {"group": group}})


@pytest.mark.parametrize(
    ("version", "sent", "names"),
    [
        ("2.1", {"policies": ["affinity"]}, {"policies", "metadata"}),
        ("2.13", {"policies": ["anti-affinity"]}, {"policies", "metadata", "project_id", "user_id"}),
        ("2.15", {"policies": ["soft-affinity"]}, {"policies", "metadata", "project_id", "user_id"}),
        ("2.64", {"policy": "soft-anti-affinity"}, {"policy", "rules", "project_id", "user_id"}),
        (
            "2.64",
            {"policy": "anti-affinity", "rules": {"max_server_per_host": 3}},
            {"policy", "rules", "project_id", "user_id"},
        ),
    ],
)
def test_documents(alice: ComputeCaller, version: str, sent: dict[str, Any], names: set[str]) -> None:
    answer = alice.at(version).post(URL, {"server_group": {"name": "g", **sent}})
    assert answer.status_code == 200
    made = answer.json()["server_group"]
    assert set(made) == {"id", "name", "members", *names}
    assert {key: made[key] for key in sent} == sent
    assert made["members"] == []
    assert alice.at(version).get(f"{URL}/{made['id']}").json() == {"server_group": made}
    assert alice.at(version).get(URL).json() == {"server_groups": [made]}


@pytest.mark.parametrize(
    ("version", "sent"),
    [
        ("2.1", {"policies": ["soft-affinity"]}),
        ("2.14", {"policies": ["soft-anti-affinity"]}),
        ("2.15", {"policy": "affinity"}),
        ("2.15", {"policies": []}),
        ("2.15", {"policies": ["affinity", "anti-affinity"]}),
        ("2.15", {"policies": "affinity"}),
        ("2.15", {"policies": ["affinity"], "rules": {}}),
        ("2.64", {"policies": ["affinity"]}),
        ("2.64", {"policy": "legacy"}),
        ("2.64", {"policy": "affinity", "name": ""}),
        ("2.64", {"policy": "affinity", "rules": {"max_server_per_host": 2}}),
        ("2.64", {"policy": "anti-affinity", "rules": {"max_server_per_host": 0}}),
        ("2.64", {"policy": "anti-affinity", "rules": {"max_server_per_host": "many"}}),
        ("2.64", {"policy": "anti-affinity", "rules": {"other": 1}}),
        ("2.64", {"policy": "anti-affinity", "rules": None}),
        ("2.64", {"policy": "anti-affinity", "other": 1}),
    ],
)
def test_what_is_refused(alice: ComputeCaller, version: str, sent: dict[str, Any]) -> None:
    answer = alice.at(version).post(URL, {"server_group": {"name": "g", **sent}})
    assert answer.status_code == 400, answer.content
    assert answer.json()["badRequest"]["message"]
    assert not ServerGroup.objects.exists()


def test_lists_are_of_the_project_and_paged(alice: ComputeCaller, bob: ComputeCaller, admin: ComputeCaller) -> None:
    ids = [make(alice, name=f"g{number}")["id"] for number in range(4)]
    other = make(bob)["id"]

    def listed(caller: ComputeCaller, **params: Any) -> list[str]:
        return [one["id"] for one in caller.at("2.96").get(URL, **params).json()["server_groups"]]

    assert listed(alice) == ids
    assert listed(alice, limit=2) == ids[:2]
    assert listed(alice, limit=2, offset=1) == ids[1:3]
    assert listed(alice, all_projects="True") == ids, "only administrators see all"
    assert listed(admin) == []
    assert set(listed(admin, all_projects="1")) == {*ids, other}
    assert alice.at("2.96").get(URL, offset="x").status_code == 400
    assert alice.at("2.96").get(URL, limit="-1").status_code == 400
    assert alice.at("2.96").get(URL, other="x").status_code == 400
    assert alice.at("2.74").get(URL, other="x").status_code == 200


def test_a_list_costs_two_queries(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    for _ in range(5):
        group = make(alice)["id"]
        for _ in range(3):
            make_server(alice, group_id=group)
    with CaptureQueriesContext(connection) as queries:
        found = alice.at("2.96").get(URL).json()["server_groups"]
    assert [len(one["members"]) for one in found] == [3] * 5
    assert len(queries) == 2


def test_a_group_is_its_projects(alice: ComputeCaller, bob: ComputeCaller, admin: ComputeCaller) -> None:
    key = make(alice)["id"]
    for wrong in (key, uuid.uuid4(), "nothing"):
        assert bob.get(f"{URL}/{wrong}").status_code == 404
        assert bob.delete(f"{URL}/{wrong}").status_code == 404
    assert admin.get(f"{URL}/{key}").status_code == 200
    assert alice.delete(f"{URL}/{key}").status_code == 204
    assert alice.delete(f"{URL}/{key}").status_code == 404
    events = AuditEvent.objects.filter(target_id=key).order_by("id").values_list("action", flat=True)
    assert list(events) == ["server_group.create", "server_group.delete"]


def test_quota_of_groups(alice: ComputeCaller) -> None:
    limits.set_many(owner_id=alice.project_id, values={"server_groups": 2})
    keys = [make(alice)["id"], make(alice)["id"]]
    refused = alice.at("2.64").post(URL, {"server_group": {"name": "g", "policy": "affinity"}})
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == "Quota exceeded, too many server groups."
    detail = alice.get(f"/os-quota-sets/{alice.project_id}/detail").json()["quota_set"]
    assert detail["server_groups"] == {"limit": 2, "in_use": 2, "reserved": 0}
    absolute = alice.get("/limits").json()["limits"]["absolute"]
    assert (absolute["maxServerGroups"], absolute["totalServerGroupsUsed"]) == (2, 2)
    assert not verification.verify()
    alice.delete(f"{URL}/{keys[0]}")
    make(alice)
    assert not verification.verify()


def test_joining(alice: ComputeCaller, body: dict[str, Any], no_broker: list[Any]) -> None:
    key = make(alice)["id"]
    answer = boot(alice, body, key, min_count=2)
    assert answer.status_code == 202, answer.content
    first, second = Server.objects.order_by("launch_index")
    assert {str(first.group_id), str(second.group_id)} == {key}
    assert alice.get(f"{URL}/{key}").json()["server_group"]["members"] == [str(first.id), str(second.id)]
    assert alice.at("2.71").get(f"/servers/{first.id}").json()["server"]["server_groups"] == [key]
    assert "server_groups" not in alice.at("2.70").get(f"/servers/{first.id}").json()["server"]
    assert "server_groups" not in alice.at("2.71").get("/servers/detail").json()["servers"][0]
    server_states.mark_deleted(server_id=first.id)
    assert alice.get(f"{URL}/{key}").json()["server_group"]["members"] == [str(second.id)]
    assert alice.delete(f"{URL}/{key}").status_code == 204
    assert alice.at("2.71").get(f"/servers/{second.id}").json()["server"]["server_groups"] == []


def test_only_a_group_of_the_project_is_joined(
    alice: ComputeCaller, bob: ComputeCaller, admin: ComputeCaller, body: dict[str, Any]
) -> None:
    key = make(alice)["id"]
    for caller, group in ((bob, key), (admin, key), (alice, str(uuid.uuid4()))):
        answer = boot(caller, body, group)
        assert answer.status_code == 400
        assert answer.json()["badRequest"]["message"] == f"Instance group {group} could not be found."
    assert not Server.objects.exists()


def test_quota_of_members(alice: ComputeCaller, body: dict[str, Any], no_broker: list[Any]) -> None:
    limits.set_many(owner_id=alice.project_id, values={"server_group_members": 3})
    key = make(alice)["id"]
    assert boot(alice, body, key, min_count=2).status_code == 202
    refused = boot(alice, body, key, min_count=2)
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == "Quota exceeded, too many servers in group"
    assert Server.objects.count() == 2
    assert boot(alice, body, key).status_code == 202
    assert boot(alice, body, key).status_code == 403
    server_states.mark_deleted(server_id=Server.objects.all()[0].id)
    assert boot(alice, body, key).status_code == 202, "a deleted server is no member"


def test_a_project_with_groups_is_not_deleted_and_a_purge_removes_them(alice: ComputeCaller) -> None:
    make(alice)
    assert project_resources.counts(alice.project_id) == {"server groups": 1}
    next(one for one in project_resources.registered() if one.noun == "server groups").purge(alice.context)  # type: ignore[misc]
    assert not ServerGroup.objects.exists()
    assert not verification.verify()


def test_a_lock_on_a_group_that_is_gone(db: None) -> None:
    assert not locks.server_group(uuid.uuid4())
