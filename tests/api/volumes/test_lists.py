"""How lists are sorted and filtered: each key and each filter of each list, and what unknown ones get."""

import uuid
from typing import Any

import pytest

from apps.volumes.api.routes import ROUTES
from apps.volumes.models import Backup, Group, GroupSnapshot, GroupType, Message, Snapshot, Transfer, Volume, VolumeType
from apps.volumes.services import messages
from tests.api.volumes.conftest import refusal

NEWEST = "3.71"
LISTS = {
    str(route.pattern): route.callback.view_class
    for route in ROUTES
    if "<" not in str(route.pattern) and getattr(route.callback.view_class, "listing", None)
}


@pytest.fixture
def rows(alice: Any) -> dict[str, Any]:
    """Two of everything that can be listed: the first ones are named in the cases."""
    mine = {"project_id": alice.project_id, "user_id": "u"}
    made: dict[str, Any] = {}
    for name in ("b", "a"):
        kind = GroupType.objects.create(name=name)
        group = Group.objects.create(name=name, group_type=kind, source_group_id=uuid.uuid4(), **mine)
        volume = Volume.objects.create(name=name, size=1, group=group, **mine)
        taken = GroupSnapshot.objects.create(name=name, group=group, **mine)
        Snapshot.objects.create(name=name, size=1, volume=volume, group_snapshot=taken, **mine)
        Backup.objects.create(name=name, size=1, volume_id=volume.id, **mine)
        Transfer.objects.create(name=name, volume=volume, project_id=alice.project_id)
        messages.write(row=volume, event="create volume", text="No room.")
        VolumeType.objects.create(name=name, extra_specs={"multiattach": "<is> True", "secret:k": name})
        made = {"group": group, "volume": volume, "group_snapshot": taken, "kind": kind}
    Volume.objects.filter(name="a").update(status="error", migration_status="success")
    Snapshot.objects.filter(name="b").update(status="error")
    Message.objects.filter(resource_id=made["volume"].id).update(request_id="req-a", event="extend volume")
    return made


@pytest.mark.parametrize("path", LISTS)
def test_each_list_is_sorted_by_each_of_its_keys(admin: Any, alice: Any, rows: Any, path: str) -> None:
    listing = LISTS[path].listing
    assert len(LISTS) > 15 and set(listing.sorting.keys) >= {"id", "created_at"}
    who = (admin if path == "qos-specs" else alice).at(NEWEST)
    for key in listing.sorting.keys:
        page = who.get(f"/{path}?sort={key}:asc&limit=1")
        assert page.status_code == 200, (key, page.content)
        for row in next(iter(page.json().values())):
            assert who.get(f"/{path}?sort={key}:desc&marker={row['id']}").status_code == 200, key
    assert refusal(who.get(f"/{path}?sort=colour"))[0] == 400


# list, query, microversion -> what is left of the rows "a" and "b" (None: refused)
FILTERS = {
    ("groups", "status=error", NEWEST): "a",
    ("groups", "status=creating", NEWEST): "b",
    ("groups", "name=b", "3.13"): "b",
    ("groups", "sort=status:asc", NEWEST): "ba",
    ("groups", "name~=b", NEWEST): "b",
    ("group_snapshots", "status=error", NEWEST): "b",
    ("group_snapshots", "status=creating", NEWEST): "a",
    ("group_snapshots", "group_id={group}", NEWEST): "a",
    ("group_snapshots", "group_id={group}", "3.28"): "ab",
    ("group_snapshots", "group_id=nothing", NEWEST): "",
    ("volumes", "migration_status=success", NEWEST): "a",
    ("volumes", "consumes_quota=false", NEWEST): "",
    ("volumes", "consumes_quota=true", NEWEST): "ab",
    ("volumes", "consumes_quota=false", "3.30"): "ab",
    ("volumes", "consumes_quota=false", "3.64"): None,
    ("volumes", "consumes_quota=perhaps", NEWEST): None,
    ("volumes", "group_id={group}", "3.10"): "a",
    ("volumes", "colour=red", "3.30"): "ab",
    ("volumes", "colour=red", "3.31"): None,
    ("volumes", "name~=a", "3.33"): None,
    ("volumes", "name~=a", "3.34"): "a",
    ("volumes", "project_id=x&all_tenants=1", NEWEST): None,  # for administrators
    ("volumes", "all_tenants=1&limit=5&with_count=true", NEWEST): "ab",
    ("snapshots", "consumes_quota=0", NEWEST): "",
    ("snapshots", "metadata={{'a': 'b'}}", NEWEST): "",
    ("snapshots", "availability_zone~=nova", NEWEST): None,
    ("backups", "volume_id={volume}", NEWEST): "a",
    ("backups", "colour=red", NEWEST): None,
    ("backups", "name~=b", "3.34"): "b",
    ("volume-transfers", "volume_id={volume}", NEWEST): "a",
    ("volume-transfers", "name=b", "3.0"): "b",
    ("types", "extra_specs={{'multiattach': '<is> True'}}", NEWEST): "ab",
    ("types", "extra_specs={{'secret:k': 'a'}}", NEWEST): "",
    ("types", "extra_specs={{'multiattach': '<is> False'}}", NEWEST): "",
    ("types", "extra_specs={{'multiattach': '<is> False'}}", "3.51"): "ab.",
    ("types", "extra_specs=red", NEWEST): None,
    ("types", "colour=red", "3.51"): "ab.",
    ("types", "colour=red", "3.52"): None,
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters(alice: Any, rows: Any, case: Any) -> None:
    path, query, version = case
    answer = alice.at(version).get(f"/{path}?{query.format(**{name: row.id for name, row in rows.items()})}")
    expected = FILTERS[case]
    if expected is None:
        assert refusal(answer)[0] == 400
    else:
        assert answer.status_code == 200, answer.content
        names = [row["name"] for row in next(iter(answer.json().values()))]
        assert "".join(name if len(name) == 1 else "." for name in names) == expected


def test_filters_of_messages(alice: Any, rows: Any) -> None:
    for query, number in {
        "resource_uuid={volume}": 1, "resource_type=VOLUME": 2, "resource_type=VOLUME_BACKUP": 0, "request_id=req-a": 1,
        "event_id=VOLUME_EXTEND_VOLUME": 1, "message_level=ERROR": 2, "message_level=INFO": 0, "level=ERROR": None,
    }.items():  # fmt: skip
        answer = alice.at(NEWEST).get(f"/messages?{query.format(volume=rows['volume'].id)}")
        if number is None:
            assert refusal(answer) == (400, "Invalid filters level are found in query options.")
        else:
            assert len(answer.json()["messages"]) == number, query
    assert len(alice.at("3.4").get("/messages?request_id=req-a").json()["messages"]) == 2


def test_filters_of_administrators(admin: Any, alice: Any, rows: Any) -> None:
    newest = admin.at(NEWEST)
    everything = newest.get(f"/volumes?all_tenants=1&project_id={alice.project_id}&host=h1@local").json()
    assert everything == {"volumes": []}
    assert len(newest.get(f"/backups?all_tenants=1&project_id={alice.project_id}").json()["backups"]) == 2
    for version, project, number in ((NEWEST, alice.project_id, 2), (NEWEST, "x", 0), ("3.5", "x", 0)):
        assert len(admin.at(version).get(f"/messages?project_id={project}").json()["messages"]) == number
    assert refusal(alice.at(NEWEST).get(f"/messages?project_id={alice.project_id}"))[0] == 400
    secret = newest.get("/types?extra_specs={'secret:k': 'a'}").json()["volume_types"]
    assert [row["name"] for row in secret] == ["a"]
    VolumeType.objects.create(name="other", extra_specs={"volume_backend_name": "other"})
    pools = {"": 1, "?name=h1@local%23local": 1, "?name=h1": 0, "?volume_type=a": 1, "?volume_type=other": 0}
    for query, number in pools.items():
        assert len(newest.get(f"/scheduler-stats/get_pools{query}").json()["pools"]) == number, query
    assert refusal(admin.at("3.34").get("/scheduler-stats/get_pools?volume_type=other"))[0] == 400
    assert refusal(newest.get("/scheduler-stats/get_pools?volume_type=nothing"))[0] == 404
    offered = {row["resource"]: row["filters"] for row in newest.get("/resource_filters").json()["resource_filters"]}
    assert "event_id" in offered["message"] and "group_id" in offered["group_snapshot"]
    assert "consumes_quota" in offered["volume"] and "name~" in offered["volume"]
    older = admin.at("3.33").get("/resource_filters?resource=volume").json()["resource_filters"][0]["filters"]
    assert not {"consumes_quota", "name~", "created_at"} & set(older)


def test_filters_of_the_summary(alice: Any, rows: Any) -> None:
    totals = {"": 2, "?status=error": 1, "?created_at=lt:2020-01-01T00:00:00": 0, "?colour=red": None}
    for query, number in totals.items():
        answer = alice.at(NEWEST).get(f"/volumes/summary{query}")
        assert answer.status_code == (200 if number is not None else 400)
        assert number is None or answer.json()["volume-summary"]["total_count"] == number
    assert alice.at("3.30").get("/volumes/summary?colour=red").json()["volume-summary"]["total_count"] == 2
