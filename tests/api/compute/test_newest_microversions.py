"""What microversions 2.97 to 2.104 change."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.compute.models import Flavor, Server
from tests.api.compute.conftest import ComputeCaller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server]) -> Server:
    return make_server(
        alice, image_id=uuid.uuid4(), image_properties={"os_distro": "debian", "own": "x"}, zone="nova",
        scheduler_hints={"query": "x"},
    )  # fmt: skip


def test_shares(alice: ComputeCaller, bob: ComputeCaller, server: Server) -> None:
    path, wanted = f"/servers/{server.id}/shares", {"share": {"share_id": str(uuid.uuid4()), "tag": "t"}}
    assert alice.at("2.96").get(path).status_code == 404
    assert alice.at("2.97").get(path).json() == {"shares": []}
    assert bob.at("2.97").get(path).status_code == 404
    answers = [
        (alice.at("2.97").post(path, wanted), 404, "could not be found"),
        (alice.at("2.97").post(path, {"share": {"share_id": "x"}}), 400, "share_id"),
        (alice.at("2.97").get(f"{path}/s"), 404, "Share s could not be found"),
        (alice.at("2.97").delete(f"{path}/s"), 404, "Share s could not be found"),
    ]
    for answer, code, words in answers:
        assert answer.status_code == code and words in answer.content.decode()


def test_fields_of_servers(alice: ComputeCaller, server: Server) -> None:
    """Properties of the image that the cloud knows (2.98), hints (2.100)."""
    for version, image, hints in (("2.97", None, None), ("2.98", {"os_distro": "debian"}, None),
                                  ("2.100", {"os_distro": "debian"}, {"query": "x"})):  # fmt: skip
        caller = alice.at(version)
        documents = [
            caller.get(f"/servers/{server.id}").json()["server"],
            caller.get("/servers/detail").json()["servers"][0],
            caller.put(f"/servers/{server.id}", {"server": {"name": "n"}}).json()["server"],
        ]
        for document in documents:
            assert (document["image"].get("properties"), document.get("scheduler_hints")) == (image, hints)


@pytest.mark.parametrize(
    ("version", "body", "words"),
    [
        ("2.6", {"protocol": "vnc", "type": "novnc"}, "Unavailable console type novnc."),
        ("2.6", {"protocol": "mks", "type": "webmks"}, "protocol"),
        ("2.8", {"protocol": "mks", "type": "webmks"}, "Unavailable console type webmks."),
        ("2.98", {"protocol": "spice", "type": "spice-direct"}, "type"),
        ("2.99", {"protocol": "spice", "type": "spice-direct"}, "Unavailable console type spice-direct."),
    ],
)
def test_consoles(alice: ComputeCaller, server: Server, version: str, body: Any, words: str) -> None:
    answer = alice.at(version).post(f"/servers/{server.id}/remote-consoles", {"remote_console": body})
    assert answer.status_code == 400 and words in answer.content.decode()


def test_tokens_of_consoles(alice: ComputeCaller, admin: ComputeCaller) -> None:
    path = f"/os-console-auth-tokens/{uuid.uuid4()}"
    assert alice.at("2.31").get(path).status_code == 403
    answer = admin.at("2.31").get(f"{path}?x=1")
    assert answer.status_code == 404 and "Token not found" in answer.content.decode()
    assert admin.at("2.99").get(f"{path}?x=1").status_code == 400


def test_flavors(alice: ComputeCaller, admin: ComputeCaller, flavor: Flavor) -> None:
    """By name, without two fields and a sort key; unknown parameters are refused everywhere (2.102)."""
    known = {"rxtx_factor", "OS-FLV-DISABLED:disabled"}
    path = f"/flavors/{flavor.flavor_id}"
    before, after = (alice.at(version).get(path).json()["flavor"] for version in ("2.101", "2.102"))
    assert known <= set(before) and set(before) - set(after) == known
    for pattern in (flavor.name, f"^{flavor.name[0].upper()}.$"):
        names = [row["name"] for row in alice.at("2.102").get("/flavors", name=pattern).json()["flavors"]]
        assert names == [flavor.name], pattern
    assert alice.at("2.102").get("/flavors", name="(").status_code == 400
    assert alice.at("2.102").get("/flavors?name=no").json()["flavors"] == []
    assert alice.at("2.101").get("/flavors?name=x").status_code == 400
    for version, code in (("2.101", 200), ("2.102", 400)):
        for query in ("/flavors?sort_key=rxtx_factor", f"/flavors/{flavor.flavor_id}?x=1", "/os-availability-zone?x=1",
                      "/extensions?x=1"):  # fmt: skip
            assert alice.at(version).get(query).status_code == code, query
        body = {"flavor": {"name": version, "ram": 1, "vcpus": 1, "disk": 1, "rxtx_factor": 2.0}}
        assert admin.at(version).post("/flavors", body).status_code == code


def test_the_older_name_of_servers(alice: ComputeCaller, server: Server) -> None:
    for path in ("", "/detail", f"/{server.id}"):
        assert alice.at("2.102").get(f"/os-volumes_boot{path}").status_code == 200
        assert alice.at("2.103").get(f"/os-volumes_boot{path}").status_code == 404


def test_a_host_name_with_domains(alice: ComputeCaller, server: Server) -> None:
    for version, code in (("2.93", 400), ("2.94", 200)):
        body = {"server": {"hostname": "vm.example.org"}}
        assert alice.at(version).put(f"/servers/{server.id}", body).status_code == code


def test_zones(alice: ComputeCaller, server: Server) -> None:
    """Bound to its own zone, to none, and never to another (2.104)."""
    steps = [("nova", 200), ("nova", 200), ("other", 409), (None, 200), (None, 200), ("other", 409), ("", 400)]
    path = f"/servers/{server.id}"
    assert alice.at("2.103").put(path, {"server": {"pinned_availability_zone": None}}).status_code == 400
    for zone, code in steps:
        answer = alice.at("2.104").put(path, {"server": {"pinned_availability_zone": zone}})
        assert answer.status_code == code, answer.content
        if code == 200:
            assert answer.json()["server"]["pinned_availability_zone"] == zone
