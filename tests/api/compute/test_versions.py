"""What microversions change in answers and requests: each case in the version before, and in the version itself."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.utils import timezone

from apps.compute import states
from apps.compute.models import KeyPair, Server
from apps.compute.services import agents
from apps.networking.models import FixedIP, Network, Port, QosPolicy, Subnet
from apps.scheduling.models import Host
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller
from tests.callers import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_status_of_hosts(
    admin: ComputeCaller, alice: ComputeCaller, make_server: Any, make_host: Any, settings: Any, tmp_path: Path
) -> None:
    """DOWN is what an operator says; of a host that is silent nothing is known, and that alone may be for all."""
    silent, rows = timezone.now() - timedelta(days=1), {}
    for number, (name, values) in enumerate((
        ("UP", {}), ("DOWN", {"forced_down": True, "enabled": False}), ("MAINTENANCE", {"enabled": False}),
        ("UNKNOWN", {"heartbeat_at": silent}),
    )):  # fmt: skip
        make_host(name, number, **values)
        rows[name] = f"/servers/{make_server(alice, host=name).id}"
    assert {name: admin.at("2.16").get(path).json()["server"]["host_status"] for name, path in rows.items()} == {
        name: name for name in rows
    }
    settings.STATE_DIR = tmp_path
    assert "host_status" not in alice.at("2.90").get(rows["UNKNOWN"]).json()["server"]
    (tmp_path / "policy.yaml").write_text('"os_compute_api:servers:show:host_status:unknown-only": "role:reader"')
    shown = {name: alice.at("2.90").get(path).json()["server"].get("host_status") for name, path in rows.items()}
    assert shown == {"UP": None, "DOWN": None, "MAINTENANCE": None, "UNKNOWN": "UNKNOWN"}
    (tmp_path / "policy.yaml").write_text('"os_compute_api:servers:allow_all_filters": "role:reader"')
    assert len(alice.at("2.82").get("/servers?host=UP&vm_state=active").json()["servers"]) == 1


def before(version: str) -> str:
    return f"2.{int(version[2:]) - 1}"


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server]) -> Server:
    return make_server(alice, image_id=uuid.uuid4(), zone="nova", vm_state="active", host="h1")


@pytest.mark.parametrize(
    ("version", "field"),
    [
        ("2.3", "OS-EXT-SRV-ATTR:root_device_name"), ("2.3", "OS-EXT-SRV-ATTR:user_data"), ("2.9", "locked"),
        ("2.16", "host_status"), ("2.19", "description"), ("2.63", "trusted_image_certificates"),
        ("2.71", "server_groups"), ("2.73", "locked_reason"), ("2.96", "pinned_availability_zone"),
    ],
)  # fmt: skip
def test_fields(admin: ComputeCaller, alice: ComputeCaller, server: Server, version: str, field: str) -> None:
    path = f"/servers/{server.id}"
    assert field not in admin.at(before(version)).get(path).json()["server"]
    assert field in admin.at(version).get(path).json()["server"]
    assert set(alice.at("2.46").get(path).json()["server"]["flavor"]) == {"id", "links"}
    assert "original_name" in alice.at("2.47").get(path).json()["server"]["flavor"]
    assert "OS-EXT-SRV-ATTR:hostname" not in alice.at("2.89").get(path).json()["server"]
    assert "OS-EXT-SRV-ATTR:hostname" in alice.at("2.90").get(path).json()["server"]


@pytest.mark.parametrize(
    ("version", "query", "found"),
    [
        ("2.5", "ip6=fd00::1", 0), ("2.26", "tags=none", 0), ("2.66", "changes-before=2001-01-01T00:00:00Z", 0),
        ("2.73", "locked=true", 0), ("2.83", "availability_zone=other", 0), ("2.83", "user_id=other", 0),
        ("2.83", "power_state=4", 0), ("2.83", "vm_state=stopped", 0),
    ],
)  # fmt: skip
def test_filters(alice: ComputeCaller, server: Server, version: str, query: str, found: int) -> None:
    """A member's lists: what a version lacks is ignored below 2.75."""
    old = before(version)
    answer = alice.at(old).get(f"/servers?{query}")
    assert answer.status_code == 200 and len(answer.json()["servers"]) == 1
    assert len(alice.at(version).get(f"/servers?{query}").json()["servers"]) == found
    assert alice.at("2.37").get("/servers?status=nothing").status_code == 200
    assert alice.at("2.38").get("/servers?status=nothing").status_code == 400


@pytest.mark.parametrize(
    ("version", "disk", "network"),
    [("2.31", False, False), ("2.32", True, True), ("2.33", False, True), ("2.36", False, True), ("2.37", False, False),
     ("2.41", False, False), ("2.42", True, True)],
)  # fmt: skip
def test_tags_of_devices(alice: ComputeCaller, wanted: dict[str, Any], version: str, disk: bool, network: bool) -> None:
    image = {"source_type": "image", "destination_type": "local", "uuid": wanted["imageRef"], "boot_index": 0}
    usual = {**wanted, "dry_run": True}
    mappings = {"block_device_mapping_v2": [{**image, "tag": "t"}], "networks": []}
    disks = alice.at(version).post("/servers", {"server": {**usual, **mappings}})
    assert ("'tag' was unexpected" in disks.content.decode()) is not disk
    networks = {"networks": [{"uuid": str(uuid.uuid4()), "tag": "t"}]}
    cards = alice.at(version).post("/servers", {"server": {**usual, **networks}})
    assert ("'tag' was unexpected" in cards.content.decode()) is not network


@pytest.mark.parametrize(
    ("version", "body", "codes"),
    [
        ("2.17", {"trigger_crash_dump": None}, (404, 202)),
        ("2.77", {"unshelve": {"availability_zone": 5}}, (409, 400)),
    ],
)
def test_actions(
    alice: ComputeCaller, server: Server, version: str, body: dict[str, Any], codes: tuple[int, int]
) -> None:
    for asked, code in zip((before(version), version), codes, strict=True):
        answer = alice.at(asked).post(f"/servers/{server.id}/action", body)
        assert answer.status_code == code, (asked, answer.content)


@pytest.mark.parametrize(
    ("version", "path", "codes"),
    [
        ("2.39", "/images/{image}/metadata", (200, 404)),
        ("2.78", "/servers/{server}/topology", (404, 200)),
    ],
)
def test_calls(
    admin: ComputeCaller, server: Server, image: Any, version: str, path: str, codes: tuple[int, int]
) -> None:
    for asked, code in zip((before(version), version), codes, strict=True):
        assert admin.at(asked).get(path.format(server=server.id, image=image.id)).status_code == code, asked
    classes = [
        admin.at(asked).get("/os-quota-class-sets/default").json()["quota_class_set"] for asked in ("2.49", "2.50")
    ]
    assert "server_groups" not in classes[0] and "server_groups" in classes[1] and "networks" not in classes[1]


def test_limits(alice: ComputeCaller) -> None:
    for version, name in (("2.39", "maxImageMeta"), ("2.57", "maxPersonality")):
        assert name in alice.at(before(version)).get("/limits").json()["limits"]["absolute"]
        assert name not in alice.at(version).get("/limits").json()["limits"]["absolute"]


def test_aggregates(admin: ComputeCaller) -> None:
    assert admin.post("/os-aggregates", {"aggregate": {"name": "a"}}).status_code == 200
    assert [
        "uuid" in admin.at(version).get("/os-aggregates").json()["aggregates"][0] for version in ("2.40", "2.41")
    ] == [False, True]


def test_headers(alice: ComputeCaller) -> None:
    answer = Caller.call(alice, "get", "/flavors", headers={"OpenStack-API-Version": "compute 2.26"})
    assert answer["OpenStack-API-Version"] == "compute 2.26" and answer["X-OpenStack-Request-ID"].startswith("req-")
    assert answer["X-Compute-Request-ID"] == answer["X-OpenStack-Request-ID"]


@pytest.mark.parametrize(
    ("version", "values", "codes"),
    [
        ("2.52", {"tags": ["a"]}, (400, 200)),
        ("2.57", {"personality": [{"path": "/a", "contents": "YQ=="}]}, (200, 400)),
        ("2.67", {"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume", "volume_size": 1,
                                               "boot_index": -1, "volume_type": None}]}, (400, 200)),
        ("2.74", {"host": "h1"}, (400, 403)),
    ],
)  # fmt: skip
def test_requests(
    alice: ComputeCaller, wanted: dict[str, Any], version: str, values: dict[str, Any], codes: tuple[int, int]
) -> None:
    for asked, code in zip((before(version), version), codes, strict=True):
        body = {"server": {**wanted, "networks": "none", "dry_run": True, **values}}
        answer = alice.at(asked).post("/servers", body)
        assert answer.status_code == code, (asked, answer.content)


def test_diagnostics(admin: ComputeCaller, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libvirt's names before, one form for all hypervisors in 2.48."""
    Server.objects.update(power_state=states.RUNNING, launched_at=timezone.now(), config_drive=True)
    disk = {"target": "vda", "read_requests": 1, "read_bytes": 2, "write_requests": 3, "write_bytes": 4, "errors": 0}
    card = {f"{way}_{name}": 5 for way in ("rx", "tx") for name in ("octets", "packets", "errors", "drop")}
    counters = {
        "driver": "libvirt", "hypervisor": "qemu", "cpu_times_ns": [7, 8], "disks": [disk],
        "cards": [{**card, "tap": "tap1", "mac": "fa:16:3e:00:00:01"}],
        "memory_kib": {"maximum": 262144, "actual": 262144, "unused": 131072},
    }  # fmt: skip
    monkeypatch.setattr(agents, "ask", lambda **_: orjson.dumps(counters))
    before, after = (admin.at(asked).get(f"/servers/{server.id}/diagnostics").json() for asked in ("2.47", "2.48"))
    assert before == {
        "cpu0_time": 7, "cpu1_time": 8, "vda_read_req": 1, "vda_read": 2, "vda_write_req": 3, "vda_write": 4,
        "vda_errors": 0, "tap1_rx": 5, "tap1_rx_packets": 5, "tap1_rx_errors": 5, "tap1_rx_drop": 5, "tap1_tx": 5,
        "tap1_tx_packets": 5, "tap1_tx_errors": 5, "tap1_tx_drop": 5, "memory": 262144, "memory-actual": 262144,
        "memory-unused": 131072,
    }  # fmt: skip
    assert after.pop("uptime") in range(5)
    assert after == {
        "state": "running", "driver": "libvirt", "hypervisor": "qemu", "hypervisor_os": "linux", "config_drive": True,
        "memory_details": {"maximum": 256, "used": 128}, "num_cpus": 2, "num_nics": 1, "num_disks": 1,
        "cpu_details": [{"id": 0, "time": 7, "utilisation": None}, {"id": 1, "time": 8, "utilisation": None}],
        "nic_details": [{**card, "mac_address": "fa:16:3e:00:00:01", "rx_rate": None, "tx_rate": None}],
        "disk_details": [
            {"read_bytes": 2, "read_requests": 1, "write_bytes": 4, "write_requests": 3, "errors_count": 0}
        ],
    }  # fmt: skip


@pytest.fixture
def rebuilt(alice: ComputeCaller, server: Server, make_host: Callable[..., Host]) -> Server:
    """A server that may be rebuilt: it has keys, and a host."""
    make_host("h1", 1)
    KeyPair.objects.bulk_create(
        KeyPair(user_id=alice.project_id, name=name, public_key=f"ssh-ed25519 {name}", fingerprint="f")
        for name in ("old", "new")
    )
    Server.objects.update(key_name="old", public_key="ssh-ed25519 old", power_state=states.RUNNING)
    return server


def rebuild(caller: ComputeCaller, server: Server, image: Any, **values: Any) -> Any:
    """Ask for a rebuild; return the answer's code, the server in it, and what the row keeps of it."""
    Run.objects.all().delete()
    Server.objects.update(rebuild=None, task_state="")
    answer = caller.post(f"/servers/{server.id}/action", {"rebuild": {"imageRef": str(image.id), **values}})
    server.refresh_from_db()
    return answer.status_code, answer.json().get("server", {}), server.rebuild


def test_key_of_a_rebuild(alice: ComputeCaller, rebuilt: Server, image: Any) -> None:
    """Another pair, none, or as before; one that there is not changes nothing (2.54)."""
    assert rebuild(alice.at("2.53"), rebuilt, image, key_name="new")[0] == 400
    assert rebuild(alice.at("2.54"), rebuilt, image, key_name="none")[::2] == (400, None)
    for values, name in (({"key_name": "new"}, "new"), ({"key_name": None}, None)):
        code, document, row = rebuild(alice.at("2.54"), rebuilt, image, **values)
        public_key = f"ssh-ed25519 {name}" if name else ""
        assert (code, document["key_name"]) == (202, name)
        assert (row["key_name"], row["public_key"]) == (name, public_key)
    for version in ("2.53", "2.54"):
        code, document, row = rebuild(alice.at(version), rebuilt, image)
        assert code == 202 and "key_name" not in row and document.get("key_name", "old") == "old"


def test_certificates_of_images(alice: ComputeCaller, rebuilt: Server, image: Any, wanted: dict[str, Any]) -> None:
    """They are kept and shown; no host takes an image for such a server, as nobody can give the certificates."""
    known, body = ["a", "b"], {**wanted, "networks": "none"}
    for values in ([], ["a", "a"], [""], ["x"] * 51, "a", [1]):
        asked = {**body, "dry_run": True, "trusted_image_certificates": values}
        assert alice.at("2.63").post("/servers", {"server": asked}).status_code == 400, values
    asked = {**body, "trusted_image_certificates": known}
    assert alice.at("2.62").post("/servers", {"server": asked}).status_code == 400
    disk = {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 0}
    of_volume = {"name": "v", "flavorRef": wanted["flavorRef"], "networks": "none", "block_device_mapping_v2": [disk]}
    answer = alice.at("2.63").post("/servers", {"server": {**of_volume, "trusted_image_certificates": known}})
    assert answer.status_code == 400 and "when booting from volume" in answer.content.decode()
    for values in (None, known):
        answer = alice.at("2.63").post("/servers", {"server": {**body, "trusted_image_certificates": values}})
        made = Server.objects.get(id=answer.json()["server"]["id"])
        assert alice.at("2.63").get(f"/servers/{made.id}").json()["server"]["trusted_image_certificates"] == values

    for values, row in ((known, known), (None, None)):
        code, document, kept = rebuild(alice.at("2.63"), rebuilt, image, trusted_image_certificates=values)
        assert (code, document["trusted_image_certificates"]) == (202, row)
        assert kept["trusted_image_certificates"] == row


def test_ports_with_a_policy(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    """No rule makes a port that requests resources: one with a limit of bandwidth is taken before 2.72 too."""
    network = Network.objects.create(name="n", project_id=alice.project_id)
    subnet = Subnet.objects.create(network=network, project_id=alice.project_id, cidr="10.9.0.0/24")
    policy = QosPolicy.objects.create(name="q", project_id=alice.project_id)
    port = Port.objects.create(network=network, project_id=alice.project_id, mac_address="fa:16:3e:00:00:02",
                               qos_policy=policy)  # fmt: skip
    FixedIP.objects.create(port=port, subnet=subnet, ip_address="10.9.0.9")
    for version in ("2.71", "2.72"):
        asked = {**wanted, "dry_run": True, "networks": [{"port": str(port.id)}]}
        assert alice.at(version).post("/servers", {"server": asked}).status_code == 200


def test_same(admin: ComputeCaller, server: Server) -> None:
    """Versions that change nothing here, or what other tests hold: the same answer before and in them."""
    for version in ("2.34", "2.69"):
        answers = [admin.at(asked).get(f"/servers/{server.id}").json() for asked in (before(version), version)]
        assert answers[0] == answers[1], version
