"""RBAC policies of what is no network: groups, pools, scopes, QoS policies; and servers on shared networks."""

import uuid
from collections.abc import Callable

import pytest

from apps.networking import exceptions
from apps.networking.models import Network, Port, RbacPolicy, SecurityGroup
from apps.networking.services import bindings, requested_networks, security_groups
from apps.networking.values import InterfacePermissions, RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from tests.unit.networking.test_rbac_policies import ids, share


def test_a_shared_security_group_guards_others_ports(
    alice: Caller, bob: Caller, make_network: Callable[..., Network]
) -> None:
    group = make(alice, "security_group", name="web")
    theirs = str(make_network(bob, "10.9.1.0/24").id)
    assert bob.post("/ports", {"port": {"network_id": theirs, "security_groups": [group["id"]]}}).status_code == 404
    policy = share(alice, "security_group", group["id"], bob.project_id)
    assert bob.get(f"/security-groups/{group['id']}").json()["security_group"]["shared"] is True
    assert len(ids(bob, "/security-group-rules", security_group_id=group["id"])) == 2
    rule = {"security_group_id": group["id"], "direction": "ingress"}
    assert bob.post("/security-group-rules", {"security_group_rule": rule}).status_code == 403
    port = make(bob, "port", network_id=theirs, security_groups=[group["id"]])
    named = security_groups.resolve(context=bob.context, names_or_ids=[group["id"]])  # as servers name them
    assert [str(one) for one in named] == [group["id"]]
    assert refusal(alice.delete(f"/rbac-policies/{policy['id']}"))[:2] == (409, "RbacPolicyInUse")
    bob.delete(f"/ports/{port['id']}")
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204
    assert bob.get(f"/security-groups/{group['id']}").status_code == 404
    share(alice, "security_group", group["id"], bob.project_id)
    assert alice.delete(f"/security-groups/{group['id']}").status_code == 204
    assert not RbacPolicy.objects.exists()
    assert not SecurityGroup.objects.filter(id=group["id"]).exists()


def test_shared_pools_and_scopes(alice: Caller, bob: Caller, make_network: Callable[..., Network]) -> None:
    scope = alice.post("/address-scopes", {"address_scope": {"ip_version": 4}}).json()["address_scope"]
    pool = make(alice, "subnetpool", name="p", prefixes=["10.0.0.0/16"], default_prefixlen=24)
    theirs = make_network(bob, None)
    wanted = {"subnet": {"network_id": str(theirs.id), "subnetpool_id": pool["id"]}}
    assert refusal(bob.post("/subnets", wanted))[:2] == (404, "SubnetPoolNotFound")
    policies = [
        share(alice, "subnetpool", pool["id"], bob.project_id),
        share(alice, "address_scope", scope["id"], bob.project_id),
    ]
    assert bob.post("/subnets", wanted).status_code == 201
    joining = make(bob, "subnetpool", name="q", prefixes=["10.1.0.0/16"], address_scope_id=scope["id"])
    for policy in policies:
        assert refusal(alice.delete(f"/rbac-policies/{policy['id']}"))[:2] == (409, "RbacPolicyInUse")
    assert bob.delete(f"/subnetpools/{joining['id']}").status_code == 204
    assert bob.delete(f"/networks/{theirs.id}").status_code == 204
    for policy in policies:
        assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204
    assert bob.get(f"/subnetpools/{pool['id']}").status_code == 404


def test_one_default_external_network(alice: Caller, admin: Caller, make_network: Callable[..., Network]) -> None:
    assert alice.post("/networks", {"network": {"is_default": True}}).status_code == 403
    first = make_network(admin, None, external=True, is_default=True)
    second = make_network(admin, None, external=True)
    refused = refusal(admin.put(f"/networks/{second.id}", {"network": {"is_default": True}}))
    assert refused == (
        409, "DefaultExternalNetworkExists", f"A default external network already exists: {first.id}."
    )  # fmt: skip
    made = admin.post("/networks", {"network": {"router:external": True, "is_default": True}})
    assert refusal(made)[:2] == (409, "DefaultExternalNetworkExists")
    assert ids(alice, "/networks", is_default="True") == {str(first.id)}
    admin.put(f"/networks/{first.id}", {"network": {"is_default": False}})
    assert admin.put(f"/networks/{second.id}", {"network": {"is_default": True}}).status_code == 200


def test_a_server_with_a_port_keeps_a_network_shared(alice: Caller, bob: Caller, network: Network) -> None:
    policy = share(alice, "network", network.id, bob.project_id)
    server = uuid.uuid4()
    bindings.allocate_for_server(
        server_id=server, project_id=bob.project_id, host="h", requests=[RequestedNetwork(network_id=network.id)]
    )
    assert refusal(alice.delete(f"/rbac-policies/{policy['id']}"))[:2] == (409, "RbacPolicyInUse")
    bindings.release_for_server(server_id=server)
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204


def test_a_shared_qos_policy_limits_others(alice: Caller, bob: Caller, admin: Caller) -> None:
    made = admin.post("/qos/policies", {"policy": {"name": "slow", "project_id": alice.project_id}}).json()["policy"]
    wanted = {"network": {"qos_policy_id": made["id"]}}
    assert bob.post("/networks", wanted).status_code == 404
    policy = share(alice, "qos_policy", made["id"], bob.project_id)
    assert bob.get(f"/qos/policies/{made['id']}").json()["policy"]["shared"] is True
    network = make(bob, "network", qos_policy_id=made["id"])
    admin.put(f"/qos/policies/{made['id']}", {"policy": {"shared": True}})
    assert admin.put(f"/qos/policies/{made['id']}", {"policy": {"shared": False}}).status_code == 200
    assert refusal(alice.delete(f"/rbac-policies/{policy['id']}"))[:2] == (409, "RbacPolicyInUse")
    assert bob.delete(f"/networks/{network['id']}").status_code == 204
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204
    share(alice, "qos_policy", made["id"], bob.project_id)
    assert admin.delete(f"/qos/policies/{made['id']}").status_code == 204
    assert not RbacPolicy.objects.exists()


def test_a_server_that_was_accepted_before_its_network_was_closed(alice: Caller, bob: Caller, network: Network) -> None:
    """The port is refused then: an owner who takes a network back finds no new ports of others on it."""
    policy = share(alice, "network", network.id, bob.project_id)

    def resolved(who: Caller) -> RequestedNetwork:
        wanted = [RequestedNetwork(network_id=network.id)]
        (request,) = requested_networks.resolve(
            context=who.context, requested=wanted, permissions=InterfacePermissions()
        )
        return RequestedNetwork.from_row(request.to_row())

    def allocate(who: Caller, request: RequestedNetwork) -> None:
        bindings.allocate_for_server(server_id=uuid.uuid4(), project_id=who.project_id, host="h", requests=[request])

    theirs, own = resolved(bob), resolved(alice)
    assert (theirs.shared, own.shared) == (True, False)
    allocate(bob, theirs)
    bindings.release_for_server(server_id=uuid.UUID(Port.objects.get(project_id=bob.project_id).device_id))
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204
    with pytest.raises(exceptions.NetworkNotFound):
        allocate(bob, theirs)
    assert not Port.objects.filter(project_id=bob.project_id).exists()
    allocate(alice, own)
