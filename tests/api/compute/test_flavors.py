"""Flavors over HTTP: documents by microversion, who sees what, extra specs, access, pages."""

from typing import Any

import pytest

from apps.compute.models import Flavor, FlavorAccess

pytestmark = pytest.mark.django_db


def test_document_by_version(alice: Any, flavor: Flavor) -> None:
    old = alice.get("/flavors/7").json()["flavor"]
    assert old["swap"] == "" and "description" not in old and "extra_specs" not in old
    assert old["links"][0]["href"].endswith("/compute/v2.1/flavors/7")
    assert "description" in alice.at("2.55").get("/flavors/7").json()["flavor"]
    assert alice.at("2.61").get("/flavors/7").json()["flavor"]["extra_specs"] == {}
    new = alice.at("2.75").get("/flavors/7").json()["flavor"]
    assert new["swap"] == 0
    assert set(alice.get("/flavors").json()["flavors"][0]) == {"id", "name", "links"}
    assert set(alice.at("2.55").get("/flavors").json()["flavors"][0]) == {"id", "name", "links", "description"}


def test_life(admin: Any, alice: Any) -> None:
    body = {"flavor": {"name": "big", "ram": "512", "vcpus": 1, "disk": 0, "id": "auto", "swap": 64}}
    assert alice.post("/flavors", body).status_code == 403
    made = admin.post("/flavors", body)
    assert made.status_code == 200
    key = made.json()["flavor"]["id"]
    assert made.json()["flavor"]["ram"] == 512 and made.json()["flavor"]["swap"] == 64
    assert admin.post("/flavors", body).status_code == 409
    twin = {"flavor": {**body["flavor"], "name": "other", "id": key}}
    assert "ID" in admin.post("/flavors", twin).json()["conflictingRequest"]["message"]
    assert admin.at("2.54").put(f"/flavors/{key}", {"flavor": {"description": "x"}}).status_code == 404
    changed = admin.at("2.55").put(f"/flavors/{key}", {"flavor": {"description": "x"}})
    assert changed.json()["flavor"]["description"] == "x"
    assert alice.delete(f"/flavors/{key}").status_code == 403
    assert admin.delete(f"/flavors/{key}").status_code == 202
    assert admin.delete(f"/flavors/{key}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " x"),
        ("name", "n" * 256),
        ("name", 5),
        ("name", "a\nb"),
        ("ram", 0),
        ("ram", 2**31),
        ("vcpus", "x"),
        ("vcpus", -1),
        ("disk", -1),
        ("swap", -1),
        ("id", " x"),
        ("id", "a/b"),
        ("id", "i" * 256),
        ("rxtx_factor", 0),
        ("os-flavor-access:is_public", "maybe"),
        ("OS-FLV-EXT-DATA:ephemeral", -1),
        ("description", "not before 2.55"),
        ("bogus", 1),
    ],
)
def test_bad_input_is_refused_by_name(admin: Any, field: str, value: object) -> None:
    body = {"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 1, field: value}}
    answer = admin.post("/flavors", body)
    assert answer.status_code == 400
    assert field in answer.json()["badRequest"]["message"]
    assert not Flavor.objects.exists()


def test_a_private_flavor_does_not_exist_for_others(admin: Any, alice: Any, bob: Any, flavor: Flavor) -> None:
    Flavor.objects.filter(id=flavor.id).update(is_public=False)
    for path in ("/flavors/7", "/flavors/7/os-extra_specs", "/flavors/7/os-extra_specs/x"):
        assert alice.get(path).status_code == 404
    assert alice.get("/flavors/detail", is_public="None").json()["flavors"] == []
    assert [f["id"] for f in admin.get("/flavors", is_public="None").json()["flavors"]] == ["7"]
    assert admin.get("/flavors").json()["flavors"] == []
    add = {"addTenantAccess": {"tenant": alice.project_id}}
    assert alice.post("/flavors/7/action", add).status_code == 403
    given = admin.post("/flavors/7/action", add)
    assert given.json()["flavor_access"] == [{"flavor_id": "7", "tenant_id": alice.project_id}]
    assert admin.post("/flavors/7/action", add).status_code == 409
    assert alice.get("/flavors/7").status_code == 200 and bob.get("/flavors/7").status_code == 404
    assert [f["id"] for f in alice.get("/flavors").json()["flavors"]] == ["7"]
    assert admin.get("/flavors/7/os-flavor-access").json() == given.json()
    remove = {"removeTenantAccess": {"tenant": alice.project_id}}
    assert admin.post("/flavors/7/action", remove).json()["flavor_access"] == []
    assert admin.post("/flavors/7/action", remove).status_code == 404
    assert admin.post("/flavors/7/action", {"addTenantAccess": {"tenant": "nobody"}}).status_code == 400
    assert not FlavorAccess.objects.exists()


def test_access_of_a_public_flavor(admin: Any, alice: Any, flavor: Flavor) -> None:
    assert admin.get("/flavors/7/os-flavor-access").status_code == 404
    add = {"addTenantAccess": {"tenant": alice.project_id}}
    assert admin.at("2.7").post("/flavors/7/action", add).status_code == 409


def test_extra_specs(admin: Any, alice: Any, flavor: Flavor) -> None:
    path = "/flavors/7/os-extra_specs"
    assert alice.post(path, {"extra_specs": {"a": "1"}}).status_code == 403
    assert admin.post(path, {"extra_specs": {"a": 1, "b": "2"}}).json() == {"extra_specs": {"a": "1", "b": "2"}}
    assert alice.get(path).json() == {"extra_specs": {"a": "1", "b": "2"}}
    assert alice.get(f"{path}/a").json() == {"a": "1"}
    assert alice.get(f"{path}/c").status_code == 404
    assert admin.put(f"{path}/a", {"a": "3"}).json() == {"a": "3"}
    assert admin.put(f"{path}/a", {"b": "3"}).status_code == 400
    assert admin.put(f"{path}/a", {"a": "3", "b": "1"}).status_code == 400
    assert admin.delete(f"{path}/a").status_code == 200
    assert admin.delete(f"{path}/a").status_code == 404
    for bad in ({"": "1"}, {"k" * 256: "1"}, {"a/b": "1"}, {"a": "v" * 256}, {"a": None}, {"a": True}, {"a": []}):
        assert admin.post(path, {"extra_specs": bad}).status_code == 400
    assert alice.get(path).json() == {"extra_specs": {"b": "2"}}


def test_known_extra_specs_are_checked_from_2_86_on(admin: Any, flavor: Flavor) -> None:
    path, bad = "/flavors/7/os-extra_specs", {"extra_specs": {"hw:cpu_policy": "sometimes"}}
    assert admin.at("2.85").post(path, bad).status_code == 200
    assert admin.at("2.86").post(path, bad).status_code == 400
    assert admin.at("2.86").post(path, {"extra_specs": {"hw:unheard_of": "1"}}).status_code == 400
    assert admin.at("2.86").post(path, {"extra_specs": {"mine:anything": "1"}}).status_code == 200


def test_pages_filters_and_order(alice: Any, admin: Any) -> None:
    for n in range(5):
        Flavor.objects.create(flavor_id=str(n), name=f"n{9 - n}", vcpus=1, ram_mib=100 * n + 1, disk_gib=n)
    first = alice.get("/flavors", limit=2).json()
    assert [f["id"] for f in first["flavors"]] == ["0", "1"]
    link = first["flavors_links"][0]["href"]
    assert "marker=1" in link and "limit=2" in link
    last = alice.get("/flavors/detail", limit=2, marker="3").json()
    assert [f["id"] for f in last["flavors"]] == ["4"] and "flavors_links" not in last
    assert [f["id"] for f in alice.get("/flavors", minRam=250, minDisk=4).json()["flavors"]] == ["4"]
    by_name = alice.get("/flavors", sort_key="name", sort_dir="asc").json()["flavors"]
    assert [f["id"] for f in by_name] == ["4", "3", "2", "1", "0"]
    for bad in ({"limit": "x"}, {"limit": -1}, {"marker": "zz"}, {"minRam": "x"}, {"sort_key": "x"}, {"sort_dir": "x"}):
        assert alice.get("/flavors", **bad).status_code == 400
    assert admin.get("/flavors", is_public="x").status_code == 400
    assert alice.at("2.74").get("/flavors", bogus=1).status_code == 200
    refused = alice.at("2.75").get("/flavors", bogus=1)
    assert refused.status_code == 400 and "bogus" in refused.json()["badRequest"]["message"]


@pytest.mark.parametrize("path", ["/flavors", "/flavors/detail"])
def test_a_list_is_one_query(alice: Any, path: str, django_assert_num_queries: Any) -> None:
    for n in range(20):
        Flavor.objects.create(flavor_id=str(n), name=str(n), vcpus=1, ram_mib=1)
    with django_assert_num_queries(1):
        assert len(alice.at("2.96").get(path).json()["flavors"]) == 20
