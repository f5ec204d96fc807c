"""What types have beside extra specs, over HTTP: QoS specs, encryption, defaults of projects; and changes of types."""

from pathlib import Path
from typing import Any

from apps.quotas.services import verification
from apps.scheduling.models import Host
from apps.volumes.models import Attachment, QosSpec, Volume, VolumeType
from apps.volumes.selectors import volume_types
from apps.volumes.selectors.qos_specs import limits_of
from apps.volumes.services import attachments
from tests.api.volumes.conftest import refusal, set_status


def test_qos_specs(alice: Any, admin: Any) -> None:
    body = {"qos_specs": {"name": "slow", "consumer": "front-end", "read_iops_sec": "100"}}
    assert refusal(alice.post("/qos-specs", body))[0] == 403
    made = admin.post("/qos-specs", body).json()
    spec = made["qos_specs"]
    assert (spec["name"], spec["consumer"], spec["specs"]) == ("slow", "front-end", {"read_iops_sec": "100"})
    assert made["links"][0]["rel"] == "self"
    assert refusal(admin.post("/qos-specs", body))[0] == 409
    path, kind = f"/qos-specs/{spec['id']}", VolumeType.objects.create(name="limited")
    assert admin.put(path, {"qos_specs": {"write_iops_sec": "7"}}).json() == {"qos_specs": {"write_iops_sec": "7"}}
    assert [row["id"] for row in admin.get("/qos-specs").json()["qos_specs"]] == [spec["id"]]
    assert admin.get(f"{path}/associate?vol_type_id={kind.id}").status_code == 202
    associated = admin.get(f"{path}/associations").json()["qos_associations"]
    assert associated == [{"association_type": "volume_type", "name": "limited", "id": str(kind.id)}]
    volume = Volume.objects.create(project_id="p", user_id="u", size=1, volume_type=kind, status="available")
    kept = attachments.reserve(volume=volume, server_id=None, host="h")
    shown = attachments.connect(attachment=kept, connector={"host": "h"}).connection_info["qos_specs"]
    assert shown == {"read_iops_sec": 100, "write_iops_sec": 7}
    grown = {"total_bytes_sec_per_gb": "10", "total_bytes_sec_per_gb_min": "25", "total_bytes_sec_max": "60",
             "write_iops_sec_per_gb": "5", "write_iops_sec": "1", "size_iops_sec": "4096"}  # fmt: skip
    kind.qos_spec = QosSpec(consumer="both", specs=grown)
    for size, expected in ((1, 25), (4, 40), (9, 60)):
        limits = {"total_bytes_sec": expected, "write_iops_sec": 5 * size, "size_iops_sec": 4096}
        assert limits_of(kind, size=size) == limits
    older = {"total_iops_sec_per_gb": "3", "read_iops_sec": "9", "read_iops_sec_max": "10", "write_bytes_sec": "8"}
    kind.qos_spec = QosSpec(consumer="both", specs=older)
    assert limits_of(kind, size=2) == {"total_iops_sec": 6, "write_bytes_sec": 8}
    kind.qos_spec = QosSpec(consumer="both", specs={"size_iops_sec": "4096"})
    assert limits_of(kind, size=1) is None
    assert refusal(admin.delete(path))[0] == 400
    assert admin.put(f"{path}/delete_keys", {"keys": ["write_iops_sec"]}).status_code == 202
    assert refusal(admin.put(f"{path}/delete_keys", {"keys": ["write_iops_sec"]}))[0] == 404
    assert admin.get(f"{path}/disassociate?vol_type_id={kind.id}").status_code == 202
    assert admin.get(f"{path}/disassociate_all").status_code == 202
    assert admin.delete(path).status_code == 202
    assert refusal(admin.get(path))[0] == 404
    bad: list[Any] = [
        {}, {"name": ""}, {"name": "x", "consumer": "nobody"}, {"name": "x", "read_iops_sec": "many"},
        {"name": "x", "total_iops_sec": "1", "read_iops_sec": "1"}, {"name": "x", "read_iops_sec_max": "1"},
        {"name": "x", "k": None}, [], {"name": "x", "read_iops_sec_per_gb": "many"},
    ]  # fmt: skip
    for values in bad:
        assert refusal(admin.post("/qos-specs", {"qos_specs": values}))[0] == 400, values


def test_encryption(alice: Any, admin: Any, make_volume: Any, volume_keys: Path) -> None:
    kind = VolumeType.objects.create(name="secret")
    path = f"/types/{kind.id}/encryption"
    assert admin.get(path).json() == {}
    body = {"encryption": {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256,
                           "control_location": "front-end"}}  # fmt: skip
    assert refusal(alice.post(path, body))[0] == 403
    made = admin.post(path, body).json()["encryption"]
    assert refusal(admin.post(path, body))[0] == 400
    assert admin.get(f"{path}/cipher").json() == {"cipher": "aes-xts-plain64"}
    assert admin.put(f"{path}/{made['encryption_id']}", {"encryption": {"key_size": 128}}).status_code == 200
    assert admin.get(path).json()["key_size"] == 128
    assert "is not offered" in refusal(alice.post("/volumes", {"volume": {"size": 1, "volume_type": "secret"}}))[1]
    assert admin.put(f"{path}/{made['encryption_id']}", {"encryption": {"key_size": 256}}).status_code == 200
    make_volume(alice, volume_type="secret")
    assert refusal(admin.delete(f"{path}/{made['encryption_id']}"))[0] == 400
    Volume.objects.all().delete()
    assert admin.put(f"{path}/provider", {"encryption": {"key_size": 512}}).status_code == 200  # as `cinder` does
    assert admin.delete(f"{path}/provider").status_code == 202
    assert refusal(admin.delete(f"{path}/{made['encryption_id']}"))[0] == 404
    assert admin.get(path).json() == {}


def test_default_types(alice: Any, admin: Any, make_volume: Any) -> None:
    VolumeType.objects.create(name="fast")
    path, body = f"/default-types/{alice.project_id}", {"default_type": {"volume_type": "fast"}}
    assert refusal(admin.put(path, body))[0] == 404  # since 3.62
    newer = admin.at("3.62")
    assert refusal(alice.at("3.62").put(path, body))[0] == 403
    made = newer.put(path, body).json()["default_type"]
    assert made["project_id"] == alice.project_id
    assert newer.get("/default-types").json()["default_types"] == [made] == [newer.get(path).json()["default_type"]]
    assert make_volume(alice)["volume_type"] == "fast"
    assert alice.get("/types/default").json()["volume_type"]["name"] == "fast"
    assert refusal(newer.put("/default-types/nobody", body))[0] == 400
    assert newer.delete(path).status_code == 204
    assert refusal(newer.get(path))[0] == 404
    assert make_volume(alice)["volume_type"] == "__DEFAULT__"


def test_types_of_availability_zones(alice: Any, make_volume: Any) -> None:
    Host.objects.create(name="h2", number=2, zone="az2", hypervisor_type="QEMU")
    for name, zones in (("both", "az1, az2"), ("here", "nova,az2"), ("nowhere", "az1")):
        VolumeType.objects.create(name=name, extra_specs={"RESKEY:availability_zones": zones})
    for kind, zone, expected in (
        ("both", None, "az2"),
        ("here", None, "nova"),  # the default zone is one of them
        ("here", "az2", "az2"),
        ("both", "nova", 400),
        ("nowhere", None, 400),
    ):
        body = {"size": 1, "volume_type": kind, "availability_zone": zone}
        answer = alice.post("/volumes", {"volume": body})
        if expected == 400:
            text = f"Volume type is only supported in these availability zones: {_zones(kind)}"
            assert refusal(answer) == (400, text)
        else:
            assert answer.json()["volume"]["availability_zone"] == expected, kind
    volume = make_volume(alice)
    for kind, code in (("both", 400), ("here", 202)):
        assert alice.post(f"/volumes/{volume['id']}/action", {"os-retype": {"new_type": kind}}).status_code == code


def _zones(kind: str) -> str:
    return ", ".join(volume_types.zones_of(VolumeType.objects.get(name=kind)))


def test_retype(alice: Any, make_volume: Any, make_snapshot: Any, shared_type: VolumeType) -> None:
    VolumeType.objects.create(name="fast", extra_specs={"vendor:k": "v"})
    VolumeType.objects.create(name="odd", extra_specs={"k": "v"})
    VolumeType.objects.create(name="elsewhere", extra_specs={"volume_backend_name": "other"})
    volume = make_volume(alice, size=2)
    make_snapshot(alice, volume)
    path = f"/volumes/{volume['id']}/action"
    assert alice.post(path, {"os-retype": {"new_type": "fast", "migration_policy": "never"}}).status_code == 202
    assert alice.get(f"/volumes/{volume['id']}").json()["volume"]["volume_type"] == "fast"
    used = alice.get(f"/os-quota-sets/{alice.project_id}?usage=True").json()["quota_set"]
    names = ("volumes_fast", "gigabytes_fast", "snapshots_fast", "volumes___DEFAULT__", "volumes")
    assert [used[name]["in_use"] for name in names] == [1, 4, 1, 0, 1]
    assert not verification.verify()
    for kind, code in (("fast", 400), ("odd", 400), ("elsewhere", 400), ("no-such", 404), ("shared", 400)):
        assert refusal(alice.post(path, {"os-retype": {"new_type": kind}}))[0] == code, kind
    set_status(volume, "error")
    assert refusal(alice.post(path, {"os-retype": {"new_type": "__DEFAULT__"}}))[0] == 400
    assert not Attachment.objects.exists()
