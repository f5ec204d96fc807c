"""The service as a whole: discovery, limits, quotas, services, pools, zones, transfers, and what is not offered."""

import uuid
from typing import Any

import pytest

from apps.quotas.selectors import usages
from apps.quotas.services import limits, verification
from apps.scheduling.services import schedulers
from apps.volumes.api.routes_not_offered import NOT_OFFERED
from apps.volumes.models import Backup, DisabledBackend, Snapshot, Transfer, Volume, VolumeType
from apps.volumes.selectors import backends
from apps.volumes.services import backup_states
from tests.api.volumes.conftest import VolumeCaller, end_runs, refusal
from tests.callers import client


def test_discovery() -> None:
    for path, code in (("/volume", 300), ("/volume/", 300), ("/volume/v3", 200), ("/volume/v3/", 200)):
        caller = client()
        caller.force_authenticate()
        answer = caller.get(path)
        assert answer.status_code == code
        (version,) = answer.json()["versions"]
        assert set(version) == {"id", "status", "updated", "version", "min_version", "links", "media-types"}
        assert (version["id"], version["min_version"]) == ("v3.0", "3.0")
        assert version["links"][0]["href"].endswith("/volume/v3/")


def test_limits(alice: Any, bob: Any, admin: Any, make_volume: Any, make_snapshot: Any) -> None:
    make_snapshot(alice, make_volume(alice, size=2))
    absolute = alice.get("/limits").json()["limits"]["absolute"]
    used = {name: absolute[name] for name in ("totalVolumesUsed", "totalGigabytesUsed", "totalSnapshotsUsed")}
    assert used == {"totalVolumesUsed": 1, "totalGigabytesUsed": 4, "totalSnapshotsUsed": 1}
    other = f"/limits?project_id={alice.project_id}"
    assert bob.at("3.39").get(other).json()["limits"]["absolute"]["totalVolumesUsed"] == 0
    assert admin.at("3.38").get(other).json()["limits"]["absolute"]["totalVolumesUsed"] == 0
    assert admin.at("3.39").get(other).json()["limits"]["absolute"]["totalVolumesUsed"] == 1


def test_quota_sets(alice: Any, bob: Any, admin: Any, make_volume: Any) -> None:
    VolumeType.objects.create(name="fast")
    make_volume(alice, size=3, volume_type="fast")
    path = f"/os-quota-sets/{alice.project_id}"
    shown = alice.get(path).json()["quota_set"]
    assert (shown["id"], shown["volumes"], shown["gigabytes_fast"]) == (alice.project_id, 10, -1)
    assert {"backups", "backup_gigabytes", "groups", "per_volume_gigabytes", "snapshots"} <= set(shown)
    used = alice.get(f"{path}?usage=True").json()["quota_set"]
    assert used["gigabytes_fast"] == {"limit": -1, "in_use": 3, "reserved": 0, "allocated": 0}
    assert refusal(bob.get(path))[0] == 403
    assert refusal(alice.put(path, {"quota_set": {"volumes": 1}}))[0] == 403
    changed = admin.put(path, {"quota_set": {"volumes": "0", "gigabytes_fast": 5, "tenant_id": "x"}})
    assert changed.status_code == 200
    assert (changed.json()["quota_set"]["volumes"], changed.json()["quota_set"]["gigabytes_fast"]) == (0, 5)
    for bad in ({"volumes": "x"}, {"volumes": -2}, {"volumes": None}, {"dances": 1}, {"volumes": 2**40}, []):
        assert refusal(admin.put(path, {"quota_set": bad}))[0] == 400, bad
    assert refusal(admin.put("/os-quota-sets/nothing", {"quota_set": {"volumes": 1}}))[0] == 400
    assert admin.delete(path).status_code == 200
    assert alice.get(path).json()["quota_set"]["volumes"] == 10
    assert alice.get(f"{path}/defaults").json()["quota_set"]["volumes"] == 10


def test_quota_classes(alice: Any, admin: Any) -> None:
    assert refusal(alice.get("/os-quota-class-sets/default"))[0] == 403
    changed = admin.put("/os-quota-class-sets/default", {"quota_class_set": {"volumes": 7}})
    assert changed.json()["quota_class_set"]["volumes"] == 7
    assert alice.get(f"/os-quota-sets/{alice.project_id}").json()["quota_set"]["volumes"] == 7
    assert admin.get("/os-quota-class-sets/gold").json()["quota_class_set"]["id"] == "gold"


def test_services(alice: Any, admin: Any, make_volume: Any) -> None:
    assert refusal(alice.get("/os-services"))[0] == 403
    schedulers.beat(host="machine")
    services = admin.get("/os-services").json()["services"]
    assert {row["zone"] for row in services if row["binary"] == "cinder-scheduler"} == {"nova"}
    (service,) = [row for row in services if row["binary"] == "cinder-volume"]
    assert (service["host"], service["status"], service["state"]) == ("h1@local", "enabled", "up")
    assert admin.get("/os-services?host=h2").json()["services"] == []
    body = {"host": "h1@local", "binary": "cinder-volume"}
    off = admin.put("/os-services/disable-log-reason", {**body, "disabled_reason": "disk"})
    assert off.json()["disabled_reason"] == "disk" and backends.disabled_hosts(backend="local") == {"h1"}
    assert admin.get("/os-services").json()["services"][-1]["disabled_reason"] == "disk"
    assert admin.put("/os-services/enable", body).json()["disabled"] is False
    assert admin.put("/os-services/disable", {"host": "h1", "service": "cinder-volume"}).status_code == 200
    assert DisabledBackend.objects.count() == 1
    assert [(row["binary"], row["host"]) for row in admin.get("/os-services?host=h1").json()["services"]] == [
        ("cinder-backup", "h1"), ("cinder-volume", "h1@local"),
    ]  # fmt: skip
    for verb, bad, code in (
        ("enable", {**body, "host": "h2"}, 404),
        ("disable", {**body, "binary": "x"}, 404),
        ("disable", {**body, "binary": "cinder-backup"}, 404),  # its host has no back end in its name
        ("disable-log-reason", {**body, "disabled_reason": None}, 400),
        ("disable-log-reason", body, 400),
        ("enable", {}, 400),
        ("freeze", {"host": "h2"}, 400),
        ("freeze", {"host": "h1"}, 404),
        ("dance", body, 404),
    ):
        assert refusal(admin.put(f"/os-services/{verb}", bad))[0] == code, (verb, bad)
    hosts = admin.get("/os-hosts").json()["hosts"]
    assert [row["host_name"] for row in hosts if row["service"] == "cinder-volume"] == ["h1@local"]
    make_volume(alice, size=2)
    total, mine = (row["resource"] for row in admin.get("/os-hosts/h1@local").json()["host"])
    assert (total["project"], mine["project"], mine["total_volume_gb"]) == ("(total)", alice.project_id, "2")
    assert refusal(admin.get("/os-hosts/h1"))[0] == 404


def test_a_disabled_backup_service(alice: Any, admin: Any, make_volume: Any) -> None:
    """Its host makes and restores no backups; those that there are may be deleted."""
    volume, other = make_volume(alice), make_volume(alice)
    made = alice.post("/backups", {"backup": {"volume_id": volume["id"]}}).json()["backup"]
    backup_states.mark_available(backup=Backup.objects.get(id=made["id"]), objects=1, stored_bytes=1)
    end_runs()
    body = {"host": "h1", "binary": "cinder-backup", "disabled_reason": "the store is full"}
    assert admin.put("/os-services/disable-log-reason", body).json()["status"] == "disabled"
    (service,) = admin.get("/os-services?binary=cinder-backup").json()["services"]
    assert (service["status"], service["disabled_reason"]) == ("disabled", "the store is full")
    restored = Volume(source_backup_id=made["id"])
    assert backends.without_backups(restored) == {"h1"} and not backends.without_backups(Volume())
    refused = (
        ("/backups", {"backup": {"volume_id": volume["id"]}}),
        (f"/backups/{made['id']}/restore", {"restore": {"volume_id": other["id"]}}),
    )
    for path, asked in refused:
        answer = alice.post(path, asked)
        assert answer.status_code == 503 and "cinder-backup" in answer.json()["serviceUnavailable"]["message"]
    assert make_volume(alice)["status"] == "available"
    admin.put("/os-services/enable", body)
    for path, asked in refused:
        assert alice.post(path, asked).status_code == 202
    end_runs()
    backup_states.mark_restored(backup=Backup.objects.get(id=made["id"]))
    Backup.objects.exclude(id=made["id"]).delete()
    admin.put("/os-services/disable", body)
    assert alice.delete(f"/backups/{made['id']}").status_code == 202


def test_pools_and_zones(alice: Any, admin: Any) -> None:
    assert refusal(alice.get("/scheduler-stats/get_pools"))[0] == 403
    assert admin.get("/scheduler-stats/get_pools").json() == {"pools": [{"name": "h1@local#local"}]}
    (pool,) = admin.get("/scheduler-stats/get_pools?detail=true").json()["pools"]
    assert (pool["capabilities"]["total_capacity_gb"], pool["capabilities"]["free_capacity_gb"]) == (100, 90)
    capabilities = admin.get("/capabilities/h1@local").json()
    assert capabilities["vendor_name"] == pool["capabilities"]["vendor_name"]
    assert refusal(admin.get("/capabilities/h2"))[0] == 404
    zones = alice.get("/os-availability-zone").json()["availabilityZoneInfo"]
    assert zones == [{"zoneName": "nova", "zoneState": {"available": True}}]


def test_constants(alice: Any) -> None:
    assert "os-volume-actions" in [row["alias"] for row in alice.get("/extensions").json()["extensions"]]
    filters = alice.at("3.33").get("/resource_filters?resource=volume").json()["resource_filters"]
    assert "status" in filters[0]["filters"]
    assert alice.at("3.3").get("/messages").json() == {"messages": []}
    assert refusal(alice.at("3.3").get(f"/messages/{uuid.uuid4()}"))[0] == 404
    assert refusal(alice.get("/messages"))[0] == 404


def test_transfers(alice: Any, bob: Any, make_volume: Any, make_snapshot: Any) -> None:
    volume = make_volume(alice, size=2)
    make_snapshot(alice, volume)
    answer = alice.post("/os-volume-transfer", {"transfer": {"volume_id": volume["id"], "name": None}})
    assert answer.status_code == 202
    made = answer.json()["transfer"]
    assert set(made) == {"id", "volume_id", "name", "links", "created_at", "auth_key"}
    assert alice.get(f"/volumes/{volume['id']}").json()["volume"]["status"] == "awaiting-transfer"
    path = f"/os-volume-transfer/{made['id']}"
    assert refusal(alice.delete(f"/volumes/{volume['id']}"))[0] == 400
    assert refusal(bob.get(path))[0] == 404
    assert "accepted" in alice.at("3.57").get(f"/volume-transfers/{made['id']}").json()["transfer"]
    assert len(alice.get("/os-volume-transfer/detail").json()["transfers"]) == 1
    wrong = {"accept": {"auth_key": "x"}}
    unknown = str(uuid.uuid4())
    code, message = refusal(bob.post(f"/os-volume-transfer/{unknown}/accept", wrong))
    assert refusal(bob.post(f"{path}/accept", wrong)) == (code, message.replace(unknown, made["id"])) and code == 404
    accept = {"accept": {"auth_key": made["auth_key"]}}
    limits.set_many(owner_id=bob.project_id, values={"gigabytes": 3}, force=True)
    assert refusal(bob.post(f"{path}/accept", accept))[0] == 413
    assert Volume.objects.get().project_id == alice.project_id and Transfer.objects.count() == 1
    limits.reset(owner_id=bob.project_id)
    assert bob.post(f"{path}/accept", accept).status_code == 202
    assert bob.get(f"/volumes/{volume['id']}").json()["volume"]["status"] == "available"
    assert Snapshot.objects.get().project_id == bob.project_id
    assert refusal(alice.get(f"/volumes/{volume['id']}"))[0] == 404
    assert usages.of_owner(owner_id=bob.project_id)["gigabytes"] == (4, 0)
    assert usages.of_owner(owner_id=alice.project_id)["gigabytes"] == (0, 0)
    assert refusal(bob.post(f"{path}/accept", accept))[0] == 404
    assert not verification.verify()


def test_withdrawn_transfers(alice: Any, admin: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    body = {"transfer": {"volume_id": volume["id"], "name": "mine"}}
    made = alice.post("/volume-transfers", body).json()["transfer"]
    assert refusal(alice.post("/volume-transfers", body))[0] == 400
    assert alice.delete(f"/volume-transfers/{made['id']}").status_code == 202
    again = alice.post("/volume-transfers", body).json()["transfer"]
    admin.post(f"/volumes/{volume['id']}/action", {"os-reset_status": {"status": "available"}})
    assert refusal(alice.get(f"/volume-transfers/{again['id']}"))[0] == 404
    assert alice.get(f"/volumes/{volume['id']}").json()["volume"]["status"] == "available"
    assert refusal(alice.get(f"/volume-transfers/{made['id']}"))[0] == 404


@pytest.mark.parametrize("place", sorted(NOT_OFFERED))
def test_what_is_not_offered_says_so(alice: VolumeCaller, place: str) -> None:
    path = place.replace("<type_id>", str(uuid.uuid4())).replace("<encryption_id>", str(uuid.uuid4()))
    for below in ("", "/detail"):
        for method in ("get", "post", "put", "delete"):
            code, message = refusal(alice.at("3.71").call(method, f"/{path}{below}"))
            assert (code, message) == (404, f"This cloud does not offer {NOT_OFFERED[place]}.")
