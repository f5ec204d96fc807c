"""Limits and quota sets over HTTP: which keys belong to which version, who may change what."""

from typing import Any

import pytest

from apps.quotas.models import Limit, Usage

pytestmark = pytest.mark.django_db

ALWAYS = {"cores", "instances", "ram", "key_pairs", "metadata_items", "server_groups", "server_group_members"}
INJECTED = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
NETWORK = {"fixed_ips", "floating_ips", "security_groups", "security_group_rules"}


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2.1", ALWAYS | INJECTED | NETWORK),
        ("2.35", ALWAYS | INJECTED | NETWORK),
        ("2.36", ALWAYS | INJECTED),
        ("2.56", ALWAYS | INJECTED),
        ("2.57", ALWAYS),
    ],
)
def test_keys_by_version(alice: Any, admin: Any, version: str, keys: set[str]) -> None:
    caller, path = alice.at(version), f"/os-quota-sets/{alice.project_id}"
    for suffix in ("", "/defaults", "/detail"):
        assert set(caller.get(f"{path}{suffix}").json()["quota_set"]) == keys | {"id"}
    assert set(admin.at(version).put(path, {"quota_set": {"cores": 5}}).json()["quota_set"]) == keys
    groups = {"server_groups", "server_group_members"} if version in ("2.1", "2.35", "2.36") else set()
    shown = admin.at(version).get("/os-quota-class-sets/default").json()["quota_class_set"]
    assert set(shown) == (keys - groups) | {"id"}
    for key in (NETWORK | INJECTED) - keys:
        assert admin.at(version).put(path, {"quota_set": {key: 1}}).status_code == 400


def test_change_and_reset(alice: Any, bob: Any, admin: Any) -> None:
    path = f"/os-quota-sets/{alice.project_id}"
    assert alice.put(path, {"quota_set": {"cores": 1000}}).status_code == 403
    assert alice.delete(path).status_code == 403
    assert bob.get(path).status_code == 403
    assert bob.get(f"{path}/detail").status_code == 403
    wish = {"quota_set": {"cores": "7", "instances": -1, "tenant_id": alice.project_id}}
    changed = admin.put(path, wish).json()["quota_set"]
    assert (changed["cores"], changed["instances"]) == (7, -1)
    assert alice.get(path).json()["quota_set"]["cores"] == 7
    assert admin.delete(path).status_code == 202
    assert alice.get(path).json()["quota_set"]["cores"] == 20
    assert not Limit.objects.exists()


@pytest.mark.parametrize("values", [{"cores": -2}, {"cores": "x"}, {"cores": 2**31}, {"bogus": 1}, {"force": "x"}])
def test_bad_limits(alice: Any, admin: Any, values: dict[str, Any]) -> None:
    assert admin.put(f"/os-quota-sets/{alice.project_id}", {"quota_set": values}).status_code == 400
    assert not Limit.objects.exists()


def test_unknown_project(admin: Any) -> None:
    for method, suffix in (("get", ""), ("get", "/detail"), ("get", "/defaults"), ("delete", "")):
        assert admin.call(method, f"/os-quota-sets/nobody{suffix}").status_code == 400
    assert admin.put("/os-quota-sets/nobody", {"quota_set": {"cores": 1}}).status_code == 400
    assert admin.at("2.75").get(f"/os-quota-sets/{admin.project_id}", bogus=1).status_code == 400


def test_not_below_what_is_used_unless_forced(alice: Any, admin: Any) -> None:
    Usage.objects.create(owner_id=alice.project_id, resource="cores", in_use=3, reserved=1)
    path = f"/os-quota-sets/{alice.project_id}"
    refused = admin.put(path, {"quota_set": {"cores": 3}})
    assert refused.status_code == 400 and "cores" in refused.json()["badRequest"]["message"]
    assert admin.put(path, {"quota_set": {"cores": 4}}).status_code == 200
    assert admin.put(path, {"quota_set": {"cores": 3, "force": True}}).status_code == 200
    detail = alice.get(f"{path}/detail").json()["quota_set"]["cores"]
    assert detail == {"limit": 3, "in_use": 3, "reserved": 1}


def test_defaults(alice: Any, admin: Any) -> None:
    assert alice.get("/os-quota-class-sets/default").status_code == 403
    changed = admin.put("/os-quota-class-sets/default", {"quota_class_set": {"ram": 99}})
    assert changed.json()["quota_class_set"]["ram"] == 99
    assert alice.get(f"/os-quota-sets/{alice.project_id}").json()["quota_set"]["ram"] == 99


def test_other_classes_are_kept_and_mean_nothing(alice: Any, admin: Any) -> None:
    """Nova takes them, and server groups before it shows them (2.50)."""
    body = {"quota_class_set": {"ram": 1, "server_groups": 3, "fixed_ips": 5}}
    changed = admin.put("/os-quota-class-sets/gold", body).json()["quota_class_set"]
    assert (changed["ram"], changed["fixed_ips"]) == (1, 5) and "server_groups" not in changed
    found = admin.at("2.50").get("/os-quota-class-sets/gold").json()["quota_class_set"]
    assert (found["id"], found["ram"], found["server_groups"]) == ("gold", 1, 3)
    assert admin.get("/os-quota-class-sets/default").json()["quota_class_set"]["ram"] != 1
    assert alice.get(f"/os-quota-sets/{alice.project_id}").json()["quota_set"]["ram"] != 1
    assert admin.put(f"/os-quota-class-sets/{'x' * 80}", body).status_code == 400


def test_limits(alice: Any, bob: Any, admin: Any, django_assert_num_queries: Any) -> None:
    Usage.objects.create(owner_id=alice.project_id, resource="instances", in_use=2, reserved=1)
    plain = alice.get("/limits").json()["limits"]
    assert plain["rate"] == []
    assert plain["absolute"]["totalInstancesUsed"] == 2
    assert alice.get("/limits", reserved=1).json()["limits"]["absolute"]["totalInstancesUsed"] == 3
    assert bob.get("/limits", tenant_id=alice.project_id).status_code == 403
    assert alice.get("/limits", tenant_id=alice.project_id).status_code == 200
    other = admin.get("/limits", tenant_id=alice.project_id).json()["limits"]["absolute"]
    assert other["totalInstancesUsed"] == 2
    assert alice.get("/limits", reserved="perhaps").status_code == 400
    assert alice.at("2.75").get("/limits", bogus=1).status_code == 400
    with django_assert_num_queries(2):
        alice.get("/limits")


def test_limits_by_version(alice: Any) -> None:
    keys = {v: set(alice.at(v).get("/limits").json()["limits"]["absolute"]) for v in ("2.1", "2.36", "2.39", "2.57")}
    gone = {"maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"}
    gone |= {"totalFloatingIpsUsed", "totalSecurityGroupsUsed"}
    assert keys["2.1"] - keys["2.36"] == gone
    assert keys["2.36"] - keys["2.39"] == {"maxImageMeta"}
    assert keys["2.39"] - keys["2.57"] == {"maxPersonality", "maxPersonalitySize"}
    assert keys["2.57"] == {
        "maxTotalInstances", "maxTotalCores", "maxTotalRAMSize", "maxTotalKeypairs", "maxServerMeta",
        "maxServerGroups", "maxServerGroupMembers", "totalInstancesUsed", "totalCoresUsed", "totalRAMUsed",
        "totalServerGroupsUsed",
    }  # fmt: skip
