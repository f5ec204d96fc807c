"""RBAC policies over HTTP: who sees and uses what is shared, and what cannot be taken back while it is used."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.networking import exceptions
from apps.networking.models import Network, RbacPolicy, Router
from apps.networking.services import (
    auto_allocated_topologies,
    rbac_policies,
    requested_networks,
)
from apps.networking.values import InterfacePermissions, RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

NOBODY = "00000000-0000-0000-0000-000000000001"


def ask(who: Caller, kind: str, row_id: Any, target: str, action: str = "access_as_shared", **more: Any) -> Any:
    values = {"object_type": kind, "object_id": str(row_id), "action": action, "target_tenant": target, **more}
    return who.post("/rbac-policies", {"rbac_policy": values})


def share(who: Caller, kind: str, row_id: Any, target: str, action: str = "access_as_shared") -> Any:
    made = ask(who, kind, row_id, target, action)
    assert made.status_code == 201, made.content
    return made.json()["rbac_policy"]


def ids(who: Caller, path: str, **params: str) -> set[str]:
    answer = who.get(path, **params).json()
    return {row["id"] for rows in answer.values() for row in rows}


def test_life_of_a_policy(alice: Caller, bob: Caller, admin: Caller, network: Network) -> None:
    made = share(alice, "network", network.id, bob.project_id)
    assert made == {
        "id": made["id"], "project_id": alice.project_id, "tenant_id": alice.project_id, "object_type": "network",
        "object_id": str(network.id), "action": "access_as_shared", "target_tenant": bob.project_id,
        "target_project": bob.project_id,
    }  # fmt: skip
    path = f"/rbac-policies/{made['id']}"
    assert refusal(ask(alice, "network", network.id, bob.project_id))[:2] == (409, "DuplicateRbacPolicy")
    assert refusal(bob.get(path))[:2] == (404, "RbacPolicyNotFound")
    assert ids(bob, "/rbac-policies") == set()
    assert ids(admin, "/rbac-policies", object_type="network", target_tenant=bob.project_id) == {made["id"]}
    assert ids(alice, "/rbac-policies", sort_key="target_tenant") == {made["id"]}
    assert alice.put(path, {"rbac_policy": {"target_tenant": "*"}}).status_code == 403
    other = "3" * 32
    assert alice.put(path, {"rbac_policy": {"target_project": other}}).json()["rbac_policy"]["target_tenant"] == other
    assert bob.get(f"/networks/{network.id}").status_code == 404
    assert alice.delete(path).status_code == 204
    assert not RbacPolicy.objects.exists()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"object_type": "router"}, 400),
        ({"action": "access_as_friend"}, 400),
        ({"object_type": "security_group", "action": "access_as_external"}, 400),
        ({"target_tenant": "everybody"}, 400),
        ({"target_tenant": "*"}, 403),
        ({"target_project": "4" * 32}, 400),
        ({"action": "access_as_external"}, 403),
        ({"object_id": NOBODY}, 404),
        ({"object_id": "x"}, 400),
    ],
)
def test_policies_that_cannot_be(alice: Caller, network: Network, values: dict[str, Any], code: int) -> None:
    usual = {"object_type": "network", "object_id": str(network.id), "action": "access_as_shared"}
    body = {"rbac_policy": {**usual, "target_tenant": "1" * 32, **values}}
    assert alice.post("/rbac-policies", body).status_code == code
    assert not RbacPolicy.objects.exists()


@pytest.mark.parametrize("spelled", [str, lambda key: key.hex.upper(), lambda key: str(key).upper()])
def test_every_spelling_of_a_target(alice: Caller, bob: Caller, network: Network, spelled: Any) -> None:
    made = share(alice, "network", network.id, spelled(uuid.UUID(bob.project_id)))
    assert made["target_tenant"] == bob.project_id
    assert ids(bob, "/networks") == {str(network.id)}
    path, moved = f"/rbac-policies/{made['id']}", uuid.uuid4()
    changed = alice.put(path, {"rbac_policy": {"target_project": spelled(moved)}}).json()["rbac_policy"]
    assert changed["target_project"] == moved.hex


def test_a_policy_that_changed_since_it_was_read(alice: Caller, bob: Caller, network: Network) -> None:
    """What is refused and written follows the policy as it is under the lock."""
    carol = Caller("/network/v2.0")
    made = share(alice, "network", network.id, bob.project_id)
    stale = RbacPolicy.objects.get()
    assert alice.put(
        f"/rbac-policies/{made['id']}", {"rbac_policy": {"target_project": carol.project_id}}
    ).status_code == 200  # fmt: skip
    port = make(carol, "port", network_id=str(network.id))
    with pytest.raises(exceptions.RbacPolicyInUse):
        rbac_policies.delete(policy=stale)
    with pytest.raises(exceptions.RbacPolicyInUse):
        rbac_policies.update(policy=stale, target_project=bob.project_id)
    assert carol.delete(f"/ports/{port['id']}").status_code == 204
    assert alice.delete(f"/rbac-policies/{made['id']}").status_code == 204
    for late in (
        lambda: rbac_policies.update(policy=stale, target_project=NOBODY),
        lambda: rbac_policies.delete(policy=stale),
    ):
        with pytest.raises(exceptions.RbacPolicyNotFound, match=made["id"]):
            late()
    assert ids(bob, "/networks") == ids(carol, "/networks") == set()


def test_a_router_of_others_keeps_a_network_shared(alice: Caller, bob: Caller, admin: Caller, network: Network) -> None:
    policy = share(alice, "network", network.id, bob.project_id)
    port, router = make(bob, "port", network_id=str(network.id)), make(bob, "router")
    assert bob.put(f"/routers/{router['id']}/add_router_interface", {"port_id": port["id"]}).status_code == 200
    assert refusal(alice.delete(f"/rbac-policies/{policy['id']}"))[:2] == (409, "RbacPolicyInUse")
    everybody = share(admin, "network", network.id, "*")
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204
    unshared = admin.put(f"/networks/{network.id}", {"network": {"shared": False}})
    assert refusal(unshared)[:2] == (409, "NetworkInUse")
    assert bob.put(f"/routers/{router['id']}/remove_router_interface", {"port_id": port["id"]}).status_code == 200
    assert admin.delete(f"/rbac-policies/{everybody['id']}").status_code == 204


def test_a_shared_network_is_used_and_not_given_away(
    alice: Caller, bob: Caller, admin: Caller, network: Network, make_network: Callable[..., Network]
) -> None:
    carol = Caller("/network/v2.0")
    policy = share(alice, "network", network.id, bob.project_id)
    assert bob.get(f"/networks/{network.id}").json()["network"]["shared"] is True
    assert alice.get(f"/networks/{network.id}").json()["network"]["shared"] is False
    assert ids(bob, "/subnets") == {str(network.subnets.get().id)}
    assert ids(carol, "/networks") == ids(carol, "/subnets") == set()
    for denied in (
        ask(bob, "network", network.id, carol.project_id),
        bob.put(f"/networks/{network.id}", {"network": {"name": "x"}}),
        bob.post("/subnets", {"subnet": {"network_id": str(network.id), "cidr": "10.8.0.0/24", "ip_version": 4}}),
    ):
        assert denied.status_code in (400, 403)
    port = make(bob, "port", network_id=str(network.id), fixed_ips=[{"subnet_id": str(network.subnets.get().id)}])
    taken = refusal(alice.delete(f"/rbac-policies/{policy['id']}"))
    assert taken[:2] == (409, "RbacPolicyInUse")
    assert "cannot be removed because other objects depend on it" in taken[2]
    moved = alice.put(f"/rbac-policies/{policy['id']}", {"rbac_policy": {"target_tenant": carol.project_id}})
    assert refusal(moved)[:2] == (409, "RbacPolicyInUse")
    everybody = share(admin, "network", network.id, "*")
    assert alice.delete(f"/rbac-policies/{policy['id']}").status_code == 204  # bob is let in with everybody
    assert ids(carol, "/networks") == {str(network.id)}
    assert refusal(admin.delete(f"/rbac-policies/{everybody['id']}"))[:2] == (409, "RbacPolicyInUse")
    unshared = admin.put(f"/networks/{network.id}", {"network": {"shared": False}})
    assert refusal(unshared)[:2] == (409, "NetworkInUse")
    again = share(alice, "network", network.id, bob.project_id)
    assert admin.put(f"/networks/{network.id}", {"network": {"shared": False}}).status_code == 200
    assert ids(carol, "/networks") == set()
    assert ids(bob, "/networks") == {str(network.id)}
    assert bob.delete(f"/ports/{port['id']}").status_code == 204
    assert alice.delete(f"/rbac-policies/{again['id']}").status_code == 204
    share(alice, "network", network.id, bob.project_id)
    assert alice.delete(f"/networks/{network.id}").status_code == 204
    assert not RbacPolicy.objects.exists()  # they go with their object


def test_servers_on_a_network_of_another_project(alice: Caller, bob: Caller, network: Network) -> None:
    """Boots have the same filter, in a planned statement."""
    wanted = [RequestedNetwork(network_id=network.id)]

    def resolve() -> Any:
        return requested_networks.resolve(
            context=bob.context, requested=wanted, permissions=InterfacePermissions(), hostname="vm"
        )

    with pytest.raises(Exception, match=str(network.id)):
        resolve()
    share(alice, "network", network.id, bob.project_id)
    assert resolve()[0].network_id == network.id
    automatic = requested_networks.automatic(context=bob.context, create=False)
    assert automatic is not None and automatic.network_id == network.id


def test_shared_of_a_request_is_a_policy(admin: Caller, make_network: Callable[..., Network]) -> None:
    shared = make_network(admin, None, shared=True)
    assert ids(admin, "/rbac-policies", object_id=str(shared.id), target_tenant="*") != set()
    admin.put(f"/networks/{shared.id}", {"network": {"shared": False}})
    assert ids(admin, "/rbac-policies", object_id=str(shared.id)) == set()
    admin.put(f"/networks/{shared.id}", {"network": {"shared": True}})
    policy = ids(admin, "/rbac-policies", object_id=str(shared.id)).pop()
    admin.delete(f"/rbac-policies/{policy}")
    assert admin.get(f"/networks/{shared.id}").json()["network"]["shared"] is False


def test_an_external_network_for_one_project(
    alice: Caller, bob: Caller, admin: Caller, make_network: Callable[..., Network]
) -> None:
    public = make_network(admin, "198.18.5.0/24", external=True)
    everybody = admin.get("/rbac-policies", object_id=str(public.id)).json()["rbac_policies"][0]
    assert (everybody["action"], everybody["target_tenant"]) == ("access_as_external", "*")
    share(admin, "network", public.id, alice.project_id, "access_as_external")
    assert admin.delete(f"/rbac-policies/{everybody['id']}").status_code == 204
    assert ids(alice, "/networks", **{"router:external": "True"}) == {str(public.id)}
    assert ids(bob, "/networks") == set()
    gateway = {"external_gateway_info": {"network_id": str(public.id)}}
    assert refusal(bob.post("/routers", {"router": gateway}))[:2] == (404, "NetworkNotFound")
    assert bob.post("/floatingips", {"floatingip": {"floating_network_id": str(public.id)}}).status_code == 400
    Network.objects.filter(id=public.id).update(is_default=True)
    for caller, made in ((bob, 0), (alice, 1)):  # nor does the cloud lead a project out by itself where it may not go
        requested_networks.make_automatic(project_id=caller.project_id)
        routers = Router.objects.filter(project_id=caller.project_id)
        assert routers.count() == made
        auto_allocated_topologies.delete(project_id=caller.project_id)
    router = make(alice, "router", **gateway)
    own = ids(admin, "/rbac-policies", target_tenant=alice.project_id).pop()
    assert refusal(admin.delete(f"/rbac-policies/{own}"))[:2] == (409, "RbacPolicyInUse")
    assert alice.delete(f"/routers/{router['id']}").status_code == 204
    assert admin.delete(f"/rbac-policies/{own}").status_code == 204
    assert ids(alice, "/networks") == set()
    internal = make_network(admin, None)
    share(admin, "network", internal.id, bob.project_id, "access_as_external")  # makes it external
    assert bob.get(f"/networks/{internal.id}").json()["network"]["router:external"] is True
    admin.put(f"/networks/{internal.id}", {"network": {"router:external": False}})
    assert bob.get(f"/networks/{internal.id}").status_code == 404
