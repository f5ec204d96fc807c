"""Address groups over HTTP, and the rules that the network engine gets of them."""

import uuid
from typing import Any

import pytest

from apps.networking.models import AddressGroup
from apps.networking.selectors import programmed
from apps.networking.services import enforcement
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal


def group(who: Caller, *addresses: str) -> Any:
    return make(who, "address_group", name="a", addresses=list(addresses))


def rule(who: Caller, owner: Any, **values: Any) -> Any:
    wanted = {"security_group_id": owner["id"], "direction": "ingress", "protocol": "tcp", **values}
    return who.post("/security-group-rules", {"security_group_rule": wanted})


def prefixes(owner: Any) -> list[str | None]:
    """Return the ranges of a group's programmed rules for what comes in."""
    programmed_group = programmed.groups(group_ids=[uuid.UUID(owner["id"])])[0]
    return [each.remote_prefix for each in programmed_group.rules if each.direction == "ingress"]


def test_life_of_an_address_group(alice: Caller, bob: Caller) -> None:
    made = group(alice, "192.0.2.9/24", "192.0.2.77", "2001:db8::1", "192.0.2.77")
    assert made["addresses"] == ["192.0.2.0/24", "192.0.2.77/32", "2001:db8::1/128"]
    assert (made["shared"], made["revision_number"]) == (False, 1)
    path = f"/address-groups/{made['id']}"
    assert refusal(bob.get(path))[:2] == (404, "AddressGroupNotFound")
    assert alice.put(path, {"address_group": {"name": "b"}}).json()["address_group"]["name"] == "b"
    added = alice.put(f"{path}/add_addresses", {"addresses": ["10.0.0.0/8"]}).json()["address_group"]
    assert (added["addresses"][-1], added["revision_number"]) == ("10.0.0.0/8", 3)
    for action, addresses, expected in (
        ("add_addresses", ["10.0.0.0/8"], (400, "AddressesAlreadyExist")),
        ("remove_addresses", ["10.0.0.0/9"], (404, "AddressesNotFound")),
        ("add_addresses", ["x"], (400, "InvalidInput")),
        ("add_addresses", [f"10.9.0.{number}" for number in range(100)], (400, "InvalidInput")),
        ("add_addresses", [], (400, "BadRequest")),
    ):
        assert refusal(alice.put(f"{path}/{action}", {"addresses": addresses}))[:2] == expected
    assert bob.put(f"{path}/add_addresses", {"addresses": ["10.9.9.9"]}).status_code == 404
    left = alice.put(f"{path}/remove_addresses", {"addresses": ["10.0.0.0/8", "192.0.2.0/24"]}).json()
    assert left["address_group"]["addresses"] == ["192.0.2.77/32", "2001:db8::1/128"]
    assert alice.get("/address-groups", name="b").json()["address_groups"][0]["id"] == made["id"]
    assert alice.delete(path).status_code == 204
    assert not AddressGroup.objects.exists()


def test_rules_follow_the_group(alice: Caller, bob: Caller) -> None:
    addresses, owner = group(alice, "192.0.2.0/24", "2001:db8::/32"), make(alice, "security_group", name="web")
    made = rule(alice, owner, remote_address_group_id=addresses["id"]).json()["security_group_rule"]
    assert (made["remote_address_group_id"], made["remote_group_id"]) == (addresses["id"], None)
    path = f"/address-groups/{addresses['id']}"
    assert prefixes(owner) == ["192.0.2.0/24"]  # of the rule's IP version
    assert rule(alice, owner, remote_address_group_id=addresses["id"], ethertype="IPv6").status_code == 201
    assert sorted(prefixes(owner), key=str) == ["192.0.2.0/24", "2001:db8::/32"]
    alice.put(f"{path}/add_addresses", {"addresses": ["198.51.100.7"]})
    assert sorted(prefixes(owner), key=str) == ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]
    alice.put(f"{path}/remove_addresses", {"addresses": ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"]})
    assert prefixes(owner) == []  # an empty group lets nobody in
    assert refusal(alice.delete(path))[:2] == (409, "AddressGroupInUse")
    assert refusal(rule(alice, owner, remote_address_group_id=addresses["id"]))[:2] == (409, "SecurityGroupRuleExists")
    assert rule(alice, owner).status_code == 201  # from anywhere: another rule
    listed = alice.get("/security-group-rules", remote_address_group_id=addresses["id"]).json()["security_group_rules"]
    assert len(listed) == 2


@pytest.mark.parametrize("remote", [{"remote_ip_prefix": "10.0.0.0/8"}, {"remote_group_id": "own"}])
def test_one_remote_for_each_rule(alice: Caller, bob: Caller, remote: dict[str, str]) -> None:
    addresses, owner = group(alice, "192.0.2.0/24"), make(alice, "security_group", name="web")
    values = {name: owner["id"] if value == "own" else value for name, value in remote.items()}
    refused = rule(alice, owner, remote_address_group_id=addresses["id"], **values)
    assert refusal(refused)[:2] == (400, "SecurityGroupRuleInvalid")
    foreign = rule(alice, owner, remote_address_group_id=group(bob)["id"])
    assert refusal(foreign)[:2] == (404, "AddressGroupNotFound")
    policy = {"object_type": "address_group", "object_id": addresses["id"], "action": "access_as_shared"}
    made = alice.post("/rbac-policies", {"rbac_policy": {**policy, "target_tenant": bob.project_id}}).json()
    theirs = make(bob, "security_group", name="web")
    assert rule(bob, theirs, remote_address_group_id=addresses["id"]).status_code == 201
    kept = alice.delete(f"/rbac-policies/{made['rbac_policy']['id']}")
    assert refusal(kept)[:2] == (409, "RbacPolicyInUse")


def test_a_rule_for_some_addresses_opens_no_port(alice: Caller, network: Any) -> None:
    """What enforcement would close is counted by such rules."""
    from apps.networking.models import Port

    owner = make(alice, "security_group", name="web")
    port = make(alice, "port", network_id=str(network.id), security_groups=[owner["id"]])
    Port.objects.filter(id=port["id"]).update(request_index=0, device_id=str(uuid.uuid4()))
    rule(alice, owner, protocol=None, remote_address_group_id=group(alice, "192.0.2.0/24")["id"])
    assert [str(row.id) for row in enforcement.closed_ports()] == [port["id"]]
