"""Host aggregates over HTTP: Nova's documents, refusals and codes; and zones, which aggregates make."""

import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.images.models import Image
from apps.scheduling.models import Aggregate, Host, Inventory
from workers.drivers.storage.simulated import SimulatedStorage
from workers.host import precaching

pytestmark = pytest.mark.django_db

MakeHost = Callable[..., Host]


@pytest.fixture
def aggregate(admin: Any) -> int:
    made = admin.post("/os-aggregates", {"aggregate": {"name": "a1", "availability_zone": "east"}})
    return int(made.json()["aggregate"]["id"])


def act(admin: Any, aggregate: int, name: str, **values: Any) -> Any:
    return admin.post(f"/os-aggregates/{aggregate}/action", {name: values})


def test_documents_by_version(admin: Any, make_host: MakeHost) -> None:
    make_host("h1", 1)
    made = admin.post("/os-aggregates", {"aggregate": {"name": "a1", "availability_zone": "east"}})
    assert made.status_code == 200
    new = made.json()["aggregate"]
    assert set(new) == {"availability_zone", "created_at", "deleted", "deleted_at", "id", "name", "updated_at"}
    assert (new["name"], new["availability_zone"], new["deleted"], new["updated_at"]) == ("a1", "east", False, None)
    assert isinstance(new["id"], int) and "+" not in new["created_at"]
    shown = act(admin, new["id"], "add_host", host="h1").json()["aggregate"]
    assert (shown["hosts"], shown["metadata"]) == (["h1"], {"availability_zone": "east"})
    assert shown["updated_at"]
    assert "uuid" not in admin.at("2.40").get(f"/os-aggregates/{new['id']}").json()["aggregate"]
    uuid = str(Aggregate.objects.get().uuid)
    assert admin.at("2.41").get(f"/os-aggregates/{new['id']}").json()["aggregate"]["uuid"] == uuid
    [listed] = admin.at("2.96").get("/os-aggregates").json()["aggregates"]
    assert (listed["uuid"], listed["hosts"]) == (uuid, ["h1"])
    other = {"aggregate": {"name": "a2"}}
    assert admin.at("2.41").post("/os-aggregates", other).json()["aggregate"]["uuid"]


def test_only_administrators(alice: Any, aggregate: int) -> None:
    for path in ("/os-aggregates", f"/os-aggregates/{aggregate}"):
        assert alice.get(path).status_code == 403
    assert alice.post("/os-aggregates", {"aggregate": {"name": "x"}}).status_code == 403
    assert alice.put(f"/os-aggregates/{aggregate}", {"aggregate": {"name": "x"}}).status_code == 403
    assert alice.delete(f"/os-aggregates/{aggregate}").status_code == 403
    for name in ("add_host", "remove_host", "set_metadata"):
        assert alice.post(f"/os-aggregates/{aggregate}/action", {name: {}}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {}, {"aggregate": {}}, {"aggregate": {"name": ""}}, {"aggregate": {"name": "x" * 256}},
        {"aggregate": {"name": " x"}}, {"aggregate": {"name": 5}}, {"aggregate": {"name": "x", "bogus": 1}},
        {"aggregate": {"name": "x", "availability_zone": "a:b"}}, {"aggregate": {"name": "x", "availability_zone": ""}},
        {"aggregate": {"name": "x", "availability_zone": "z" * 256}},
    ],
)  # fmt: skip
def test_what_is_no_aggregate(admin: Any, body: dict[str, Any]) -> None:
    assert admin.post("/os-aggregates", body).status_code == 400
    assert not Aggregate.objects.exists()


def test_refusals_and_their_codes(admin: Any, aggregate: int, make_host: MakeHost) -> None:
    make_host("h1", 1), make_host("h2", 2)
    assert admin.post("/os-aggregates", {"aggregate": {"name": "a1"}}).status_code == 409
    assert admin.get("/os-aggregates/999").status_code == 404
    for key in (-1, 2**31, 10**30):
        assert admin.get(f"/os-aggregates/{key}").status_code == 404, key
        assert admin.delete(f"/os-aggregates/{key}").status_code == 404, key
    assert admin.get("/os-aggregates/x").status_code == 400
    assert admin.put("/os-aggregates/999", {"aggregate": {"name": "x"}}).status_code == 404
    assert admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {}}).status_code == 400
    assert admin.delete("/os-aggregates/999").status_code == 404
    assert act(admin, aggregate, "add_host", host="nobody").status_code == 404
    assert act(admin, 999, "add_host", host="h1").status_code == 404
    assert act(admin, aggregate, "add_host", host="").status_code == 400
    assert act(admin, aggregate, "add_host", host="h1").status_code == 200
    assert act(admin, aggregate, "add_host", host="h1").status_code == 409
    assert act(admin, aggregate, "remove_host", host="h2").status_code == 404
    assert admin.delete(f"/os-aggregates/{aggregate}").status_code == 400, "as in Nova: it has hosts"
    assert act(admin, aggregate, "dance", host="h1").status_code == 400
    assert act(admin, aggregate, "set_metadata", metadata={"k": 5}).status_code == 400
    assert act(admin, aggregate, "set_metadata", metadata={"k/": "v"}).status_code == 400
    assert act(admin, aggregate, "remove_host", host="h1").status_code == 200
    assert admin.delete(f"/os-aggregates/{aggregate}").status_code == 200
    assert admin.get(f"/os-aggregates/{aggregate}").status_code == 404


def test_metadata_is_added_and_removed_by_null(admin: Any, aggregate: int) -> None:
    act(admin, aggregate, "set_metadata", metadata={"ssd": "true", "rack": "7"})
    changed = act(admin, aggregate, "set_metadata", metadata={"rack": None, "gone": None}).json()["aggregate"]
    assert changed["metadata"] == {"availability_zone": "east", "ssd": "true"}
    assert act(admin, aggregate, "set_metadata", metadata={"availability_zone": None}).status_code == 400


@pytest.mark.parametrize("zone", ["a:b", " ", "", " east", "z" * 256, "a\tb"])
def test_a_zone_has_a_zones_name_by_metadata_too(admin: Any, aggregate: int, zone: str) -> None:
    """A zone with a colon could never be requested: ``zone:host`` names a host."""
    refused = act(admin, aggregate, "set_metadata", metadata={"availability_zone": zone, "ssd": "true"})
    assert refused.status_code == 400
    assert "availability_zone" in refused.json()["badRequest"]["message"]
    assert Aggregate.objects.get().metadata == {"availability_zone": "east"}
    assert admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {"availability_zone": zone}}).status_code == 400


def test_names_are_unique(admin: Any, aggregate: int) -> None:
    admin.post("/os-aggregates", {"aggregate": {"name": "a2"}})
    assert admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {"name": "a2"}}).status_code == 409
    renamed = admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {"name": "a3"}}).json()["aggregate"]
    assert (renamed["name"], renamed["availability_zone"]) == ("a3", "east")


def zone_of(name: str) -> str:
    return Host.objects.get(name=name).zone


def test_a_hosts_zone_is_its_aggregates(admin: Any, aggregate: int, make_host: MakeHost) -> None:
    make_host("h1", 1), make_host("h2", 2)
    plain = admin.post("/os-aggregates", {"aggregate": {"name": "a2"}}).json()["aggregate"]["id"]
    act(admin, plain, "add_host", host="h1")
    assert zone_of("h1") == "nova"
    act(admin, aggregate, "add_host", host="h1")
    assert (zone_of("h1"), zone_of("h2")) == ("east", "nova")
    zones = admin.get("/os-availability-zone/detail").json()["availabilityZoneInfo"]
    assert {zone["zoneName"]: list(zone["hosts"]) for zone in zones} == {"east": ["h1"], "nova": ["h2"]}
    admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {"availability_zone": "west"}})
    assert zone_of("h1") == "west"
    assert [z["zoneName"] for z in admin.get("/os-availability-zone").json()["availabilityZoneInfo"]] == [
        "nova",
        "west",
    ]
    act(admin, aggregate, "remove_host", host="h1")
    assert zone_of("h1") == "nova"
    act(admin, plain, "set_metadata", metadata={"availability_zone": "north"})
    assert zone_of("h1") == "north"


def test_a_host_is_in_one_zone(admin: Any, aggregate: int, make_host: MakeHost) -> None:
    make_host("h1", 1)
    west = admin.post("/os-aggregates", {"aggregate": {"name": "a2", "availability_zone": "west"}}).json()["aggregate"]
    same = admin.post("/os-aggregates", {"aggregate": {"name": "a3", "availability_zone": "east"}}).json()["aggregate"]
    act(admin, aggregate, "add_host", host="h1")
    refused = act(admin, west["id"], "add_host", host="h1")
    assert (
        refused.status_code == 409 and "already in availability zone" in refused.json()["conflictingRequest"]["message"]
    )
    assert act(admin, same["id"], "add_host", host="h1").status_code == 200
    refused = act(admin, same["id"], "set_metadata", metadata={"availability_zone": "west"})
    assert refused.status_code == 400 and zone_of("h1") == "east"
    assert admin.put(f"/os-aggregates/{same['id']}", {"aggregate": {"availability_zone": "w"}}).status_code == 400
    act(admin, aggregate, "remove_host", host="h1")
    assert zone_of("h1") == "east", "the other aggregate keeps it there"


def test_hosts_with_servers_stay_in_their_zone(admin: Any, aggregate: int, make_host: MakeHost) -> None:
    make_host("h1", 1), make_host("h2", 2)
    act(admin, aggregate, "add_host", host="h1")
    Inventory.objects.update(servers=1)
    refused = admin.put(f"/os-aggregates/{aggregate}", {"aggregate": {"availability_zone": "west"}})
    assert refused.status_code == 400 and "contain instances" in refused.json()["badRequest"]["message"]
    assert act(admin, aggregate, "set_metadata", metadata={"availability_zone": "west"}).status_code == 400
    assert act(admin, aggregate, "set_metadata", metadata={"availability_zone": "east"}).status_code == 200
    assert act(admin, aggregate, "remove_host", host="h1").status_code == 409
    assert act(admin, aggregate, "add_host", host="h2").status_code == 409
    assert (zone_of("h1"), zone_of("h2")) == ("east", "nova")
    Inventory.objects.update(servers=0)
    assert act(admin, aggregate, "add_host", host="h2").status_code == 200


def test_a_list_costs_the_same_for_any_number(admin: Any, make_host: MakeHost, django_assert_num_queries: Any) -> None:
    hosts = [make_host(f"h{n}", n) for n in range(5)]
    for n in range(5):
        Aggregate.objects.create(name=f"a{n}").hosts.set(hosts)
    with django_assert_num_queries(2):
        assert len(admin.get("/os-aggregates").json()["aggregates"]) == 5


def test_images_ahead(
    admin: Any, alice: Any, aggregate: int, make_host: MakeHost, image: Image, tmp_path: Path
) -> None:
    """The hosts' rows name them until the agents have them; what is gone meanwhile is dropped."""
    make_host("h1", 1)
    act(admin, aggregate, "add_host", host="h1")
    path, wanted = f"/os-aggregates/{aggregate}/images", {"cache": [{"id": str(image.id)}]}
    assert admin.at("2.80").post(path, wanted).status_code == 404
    assert alice.at("2.81").post(path, wanted).status_code == 403
    for body, words in (
        ({"cache": []}, "cache"),
        ({"cache": wanted["cache"] * 2}, "Duplicate images in request"),
        ({"cache": [{"id": str(uuid.uuid4())}]}, "could not be found."),
    ):
        answer = admin.at("2.81").post(path, body)
        assert answer.status_code == 400 and words in answer.content.decode(), answer.content
    assert admin.at("2.81").post("/os-aggregates/999/images", wanted).status_code == 404
    for _ in range(2):
        answer = admin.at("2.81").post(path, wanted)
        assert (answer.status_code, answer.content) == (202, b"")
    assert Host.objects.get().wanted_images == [image.id]
    Host.objects.update(wanted_images=[uuid.uuid4(), image.id])
    storage = SimulatedStorage({"state_dir": tmp_path, "host": "h1"})
    drivers: Any = SimpleNamespace(host="h1", storage=storage)
    assert precaching.fetch(drivers) == 1
    assert storage.has_image("0" * 128) and Host.objects.get().wanted_images == []
