"""Volume types over HTTP: life, extra specs, access, the default type."""

import uuid
from typing import Any

from apps.volumes.models import Volume, VolumeType
from tests.api.volumes.conftest import refusal


def test_life(alice: Any, admin: Any, make_volume: Any) -> None:
    body = {"volume_type": {"name": "fast", "description": "SSD", "extra_specs": {"volume_backend_name": "ssd"}}}
    assert refusal(alice.post("/types", body))[0] == 403
    answer = admin.post("/types", body)
    assert answer.status_code == 200
    made = answer.json()["volume_type"]
    assert set(made) == {"id", "name", "description", "is_public", "os-volume-type-access:is_public", "extra_specs"}
    assert made["extra_specs"] == {"volume_backend_name": "ssd"}
    assert refusal(admin.post("/types", body))[0] == 409
    path = f"/types/{made['id']}"
    assert alice.get(path).json()["volume_type"]["extra_specs"] == {}  # back ends are for administrators
    assert admin.get(path).json()["volume_type"]["extra_specs"] == {"volume_backend_name": "ssd"}
    assert [row["name"] for row in alice.get("/types?sort=name:asc").json()["volume_types"]] == ["__DEFAULT__", "fast"]
    changed = admin.put(path, {"volume_type": {"name": "faster", "is_public": False}}).json()["volume_type"]
    assert (changed["name"], changed["is_public"]) == ("faster", False)
    assert refusal(alice.get(path))[0] == 404
    assert [row["name"] for row in alice.get("/types?is_public=None").json()["volume_types"]] == ["__DEFAULT__"]
    assert [row["name"] for row in admin.get("/types?is_public=False").json()["volume_types"]] == ["faster"]
    make_volume(admin, volume_type="faster")
    assert "volumes present" in refusal(admin.delete(path))[1]
    Volume.objects.all().delete()
    assert admin.delete(path).status_code == 202
    assert refusal(admin.get(path))[0] == 404


def test_the_default_type(alice: Any, admin: Any) -> None:
    default = alice.get("/types/default").json()["volume_type"]
    assert default["name"] == "__DEFAULT__"
    assert refusal(admin.delete(f"/types/{default['id']}"))[0] == 400
    assert refusal(admin.put(f"/types/{default['id']}", {"volume_type": {"name": "x"}}))[0] == 400
    VolumeType.objects.all().delete()
    assert refusal(alice.get("/types/default"))[0] == 404
    made = alice.post("/volumes", {"volume": {"size": 1}})
    assert made.json()["volume"]["volume_type"] is None


def test_bad_types_write_nothing(admin: Any) -> None:
    for bad in ({}, {"name": ""}, {"name": "   "}, {"name": None}, {"name": "x" * 256}, {"name": "t", "colour": 1},
                {"name": "t", "extra_specs": {"a b/c": "x"}}, {"name": "t", "extra_specs": {"a": None}},
                {"name": "t", "extra_specs": "x"}, {"name": "t", "is_public": False}):  # fmt: skip
        assert refusal(admin.post("/types", {"volume_type": bad}))[0] == 400, bad
    assert refusal(admin.get("/types/nothing"))[0] == 404
    assert refusal(admin.put(f"/types/{uuid.uuid4()}", {"volume_type": {"name": "x"}}))[0] == 404
    assert VolumeType.objects.count() == 1


def test_extra_specs(alice: Any, admin: Any, make_volume: Any) -> None:
    made = admin.post("/types", {"volume_type": {"name": "t"}}).json()["volume_type"]
    path = f"/types/{made['id']}/extra_specs"
    assert refusal(alice.post(path, {"extra_specs": {"a": "1"}}))[0] == 403
    specs = {"a": "1", "multiattach": "<is> True"}
    assert admin.post(path, {"extra_specs": specs}).json() == {"extra_specs": specs}
    assert alice.get(path).json() == {"extra_specs": {"multiattach": "<is> True"}}
    assert refusal(alice.get(f"{path}/a"))[0] == 404
    assert admin.get(f"{path}/a").json() == {"a": "1"}
    assert admin.put(f"{path}/a", {"a": "2"}).json() == {"a": "2"}
    for bad in ({"b": "2"}, {"a": "2", "b": "3"}, {}, [], {"a": {}}):
        assert refusal(admin.put(f"{path}/a", bad))[0] == 400, bad
    assert refusal(admin.put(f"{path}/none", {"none": "1"}))[0] == 404
    assert refusal(admin.put(f"{path}/none", {"a": "1"}))[0] == 400
    shared = make_volume(alice, volume_type="t")
    assert shared["multiattach"] is True and Volume.objects.get(id=shared["id"]).format == "raw"
    assert "in use" in refusal(admin.delete(f"{path}/multiattach"))[1]
    assert admin.delete(f"{path}/a").status_code == 202
    assert refusal(admin.delete(f"{path}/a"))[0] == 404


def test_access(alice: Any, bob: Any, admin: Any) -> None:
    body = {"volume_type": {"name": "private", "os-volume-type-access:is_public": False}}
    made = admin.post("/types", body).json()["volume_type"]
    path = f"/types/{made['id']}"
    add = {"addProjectAccess": {"project": alice.project_id}}
    assert refusal(alice.post(f"{path}/action", add))[0] == 403
    assert refusal(alice.post("/volumes", {"volume": {"size": 1, "volume_type": "private"}}))[0] == 404
    assert admin.post(f"{path}/action", add).status_code == 202
    assert refusal(admin.post(f"{path}/action", add))[0] == 409
    rows = admin.get(f"{path}/os-volume-type-access").json()["volume_type_access"]
    assert rows == [{"volume_type_id": made["id"], "project_id": alice.project_id}]
    assert alice.post("/volumes", {"volume": {"size": 1, "volume_type": "private"}}).status_code == 202
    assert refusal(bob.get(path))[0] == 404
    remove = {"removeProjectAccess": {"project": alice.project_id}}
    assert admin.post(f"{path}/action", remove).status_code == 202
    assert refusal(admin.post(f"{path}/action", remove))[0] == 404
    assert refusal(admin.post(f"{path}/action", {"addProjectAccess": {"project": "no-such"}}))[0] == 400
    default = alice.get("/types/default").json()["volume_type"]["id"]
    assert refusal(admin.post(f"/types/{default}/action", add))[0] == 403
    assert refusal(admin.get(f"/types/{default}/os-volume-type-access"))[0] == 404
