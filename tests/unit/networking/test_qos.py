"""QoS policies over HTTP: their life, who may have them, what they are given to, and Neutron's refusals."""

from dataclasses import replace
from typing import Any

import pytest

from apps.networking.models import Network, QosPolicy
from apps.networking.selectors import programmed
from apps.networking.services import bindings
from apps.networking.values import ProgrammedQos, RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from tests.unit.networking.test_floating_ips import NOBODY, float_, port, public, router  # noqa: F401 (fixtures)

POLICIES = "/qos/policies"


@pytest.fixture
def manager(alice: Caller) -> Caller:
    """Who may make policies of Alice's project."""
    return replace(alice, roles=("manager", "member", "reader"))


def policy(who: Caller, **values: Any) -> Any:
    answer = who.post(POLICIES, {"policy": {"name": "p", **values}})
    assert answer.status_code == 201, answer.content
    return answer.json()["policy"]


def limit(who: Caller, owner: Any, **values: Any) -> Any:
    body = {"bandwidth_limit_rule": {"max_kbps": 1000, **values}}
    answer = who.post(f"{POLICIES}/{owner['id']}/bandwidth_limit_rules", body)
    assert answer.status_code == 201, answer.content
    return answer.json()["bandwidth_limit_rule"]


def mark(who: Caller, owner: Any, number: int = 26) -> Any:
    answer = who.post(f"{POLICIES}/{owner['id']}/dscp_marking_rules", {"dscp_marking_rule": {"dscp_mark": number}})
    assert answer.status_code == 201, answer.content
    return answer.json()["dscp_marking_rule"]


def test_life_of_a_policy(alice: Caller, bob: Caller, manager: Caller) -> None:
    assert refusal(alice.post(POLICIES, {"policy": {"name": "p"}}))[0] == 403
    made = policy(manager, description="slow")
    assert (made["shared"], made["is_default"], made["rules"], made["tags"]) == (False, False, [], [])
    path = f"{POLICIES}/{made['id']}"
    out, back, marking = (
        limit(manager, made, max_burst_kbps=80),
        limit(manager, made, direction="ingress"),
        mark(manager, made),
    )
    assert out == {"id": out["id"], "max_kbps": 1000, "max_burst_kbps": 80, "direction": "egress"}
    shown = alice.get(path).json()["policy"]
    common = {"qos_policy_id": made["id"]}
    assert shown["rules"] == [
        {**out, **common, "type": "bandwidth_limit"},
        {**back, **common, "type": "bandwidth_limit"},
        {**marking, **common, "type": "dscp_marking"},
    ]
    assert shown["revision_number"] == made["revision_number"] + 3
    rules = f"{path}/bandwidth_limit_rules"
    assert alice.get(rules, direction="ingress").json()["bandwidth_limit_rules"] == [back]
    assert alice.get(f"{path}/dscp_marking_rules/{marking['id']}").json() == {"dscp_marking_rule": marking}
    changed = manager.put(f"{rules}/{out['id']}", {"bandwidth_limit_rule": {"max_kbps": 5}}).json()
    assert changed["bandwidth_limit_rule"] == {**out, "max_kbps": 5}
    alone = f"/qos/alias_bandwidth_limit_rules/{back['id']}"
    assert alice.get(alone).json() == {"alias_bandwidth_limit_rule": back}
    assert manager.put(alone, {"alias_bandwidth_limit_rule": {"max_kbps": 9}}).status_code == 200
    assert refusal(bob.get(alone))[:2] == (404, "QosRuleNotFound")
    for answer in (bob.get(path), bob.get(rules)):
        assert refusal(answer)[:2] == (404, "QosPolicyNotFound")
    for answer in (
        alice.delete(f"{rules}/{out['id']}"),
        alice.put(path, {"policy": {"name": "x"}}),
        alice.delete(path),
    ):
        assert refusal(answer)[0] == 403
    assert manager.delete(f"/qos/alias_dscp_marking_rules/{marking['id']}").status_code == 204
    assert manager.delete(f"{rules}/{out['id']}").status_code == 204
    assert alice.put(f"/policies/{made['id']}/tags/blue").status_code == 201
    assert [item["id"] for item in alice.get(POLICIES, tags="blue").json()["policies"]] == [made["id"]]
    assert manager.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("kind", "values", "code", "text"),
    [
        ("bandwidth_limit_rule", {}, 400, "max_kbps"),
        ("bandwidth_limit_rule", {"max_kbps": 0}, 400, "max_kbps"),
        ("bandwidth_limit_rule", {"max_kbps": 2**31}, 400, "max_kbps"),
        ("bandwidth_limit_rule", {"max_kbps": 1, "direction": "any"}, 400, "direction"),
        ("bandwidth_limit_rule", {"max_kbps": 1}, 409, "Rule bandwidth_limit conflicts with rule"),
        ("dscp_marking_rule", {"dscp_mark": 7}, 400, "dscp_mark"),
        ("dscp_marking_rule", {"dscp_mark": 8}, 409, "Rule dscp_marking conflicts with rule"),
        ("minimum_bandwidth_rule", {"min_kbps": 1}, 404, "guaranteed bandwidth"),
        ("minimum_packet_rate_rule", {"min_kpps": 1}, 404, "guaranteed bandwidth and packet rates"),
        ("packet_rate_limit_rule", {"max_kpps": 1}, 404, "limits of packet rates"),
    ],
)
def test_refused_rules(manager: Caller, kind: str, values: Any, code: int, text: str) -> None:
    made = policy(manager)
    limit(manager, made)
    mark(manager, made)
    answer = refusal(manager.post(f"{POLICIES}/{made['id']}/{kind}s", {kind: values}))
    assert (answer[0], text in answer[2]) == (code, True), answer


def test_a_direction_that_is_taken(manager: Caller) -> None:
    made = policy(manager)
    limit(manager, made)
    back = limit(manager, made, direction="ingress")
    path = f"{POLICIES}/{made['id']}/bandwidth_limit_rules/{back['id']}"
    assert refusal(manager.put(path, {"bandwidth_limit_rule": {"direction": "egress"}}))[:2] == (
        409,
        "QoSRulesConflict",
    )
    assert refusal(manager.get(f"{POLICIES}/{made['id']}/dscp_marking_rules/{back['id']}"))[:2] == (
        404, "QosRuleNotFound"
    )  # fmt: skip


def test_defaults_and_sharing(alice: Caller, bob: Caller, manager: Caller, admin: Caller) -> None:
    default = policy(manager, is_default=True)
    assert refusal(manager.post(POLICIES, {"policy": {"is_default": True}}))[:2] == (
        409,
        "QoSPolicyDefaultAlreadyExists",
    )
    other = policy(manager)
    taken = manager.put(f"{POLICIES}/{other['id']}", {"policy": {"is_default": True}})
    assert refusal(taken)[:2] == (409, "QoSPolicyDefaultAlreadyExists")
    assert make(alice, "network")["qos_policy_id"] == default["id"]
    assert make(alice, "network", qos_policy_id=other["id"])["qos_policy_id"] == other["id"]
    assert refusal(manager.post(POLICIES, {"policy": {"shared": True}}))[0] == 403
    shared = policy(admin, shared=True)
    assert make(bob, "network", qos_policy_id=shared["id"])["qos_policy_id"] == shared["id"]
    withdrawn = admin.put(f"{POLICIES}/{shared['id']}", {"policy": {"shared": False}})
    assert refusal(withdrawn)[:2] == (409, "QosPolicyInUse")
    assert [item["id"] for item in bob.get(POLICIES, shared="True").json()["policies"]] == [shared["id"]]


def test_what_has_a_policy(
    alice: Caller, bob: Caller, manager: Caller, admin: Caller, network: Network,
    public: Network, router: str, port: Any,  # noqa: F811
) -> None:  # fmt: skip
    own, strange, operators = policy(manager), policy(replace(bob, roles=("manager", "member"))), policy(admin)
    floating_ip = float_(alice, public, port_id=port["id"])
    gateway = {"external_gateway_info": {"network_id": str(public.id)}}
    for noun, path, body in (
        ("network", f"/networks/{network.id}", lambda key: {"qos_policy_id": key}),
        ("port", f"/ports/{port['id']}", lambda key: {"qos_policy_id": key}),
        ("floatingip", f"/floatingips/{floating_ip['id']}", lambda key: {"qos_policy_id": key}),
        ("router", f"/routers/{router}", lambda key: {
            "external_gateway_info": {**gateway["external_gateway_info"], "qos_policy_id": key}}),
    ):  # fmt: skip
        for key in (strange["id"], NOBODY):
            assert refusal(alice.put(path, {noun: body(key)}))[:2] == (404, "QosPolicyNotFound"), noun
        shown = alice.put(path, {noun: body(own["id"])}).json()[noun]
        assert shown.get("external_gateway_info", shown)["qos_policy_id"] == own["id"], noun
        assert refusal(manager.delete(f"{POLICIES}/{own['id']}"))[2] == (
            f"QoS Policy {own['id']} is used by {noun} {path.split('/')[2]}."
        )
        kept = alice.put(path, {noun: {"description": "kept"}}).json()[noun]
        assert kept.get("external_gateway_info", kept)["qos_policy_id"] == own["id"], noun
        if noun == "network":
            assert alice.get(f"/ports/{port['id']}").json()["port"]["qos_network_policy_id"] == own["id"]
        assert admin.put(path, {noun: body(operators["id"])}).status_code == 200, noun
        assert refusal(alice.put(path, {noun: body(None)}))[:2] == (403, "PolicyRemoveAuthorizationError"), noun
        assert admin.put(path, {noun: body(None)}).status_code == 200, noun
    assert manager.delete(f"{POLICIES}/{own['id']}").status_code == 204
    assert QosPolicy.objects.count() == 2


@pytest.mark.parametrize("info", [None, {}])
def test_a_gateway_goes_with_the_policy_of_an_operator(
    alice: Caller, admin: Caller, public: Network, router: str, info: Any  # noqa: F811
) -> None:  # fmt: skip
    path, operators = f"/routers/{router}", policy(admin)
    given = {"network_id": str(public.id), "qos_policy_id": operators["id"]}
    assert admin.put(path, {"router": {"external_gateway_info": given}}).status_code == 200
    cleared = alice.put(path, {"router": {"external_gateway_info": info}})
    assert cleared.status_code == 200, cleared.content
    assert cleared.json()["router"]["external_gateway_info"] is None
    assert admin.delete(f"{POLICIES}/{operators['id']}").status_code == 204


def test_which_policy_is_programmed(
    alice: Caller, manager: Caller, admin: Caller, network: Network, public: Network, router: str  # noqa: F811
) -> None:  # fmt: skip
    wanted = [RequestedNetwork(network_id=network.id)]
    (made,) = bindings.allocate_for_server(server_id=network.id, project_id=alice.project_id, host="h", requests=wanted)
    floating_ip = float_(alice, public, port_id=str(made.id))
    low, high, outer = policy(manager), policy(manager), policy(admin)
    limit(manager, low, max_kbps=1, max_burst_kbps=2)
    mark(manager, low)
    limit(manager, high, max_kbps=3, direction="ingress")
    limit(admin, outer, max_kbps=4)

    def programmed_now() -> list[ProgrammedQos | None]:
        everything = programmed.everything()
        (row,) = everything.ports
        return [row.qos, everything.floating_ips[0].qos, everything.routers[0].qos]

    of_low, of_high = ProgrammedQos(egress=(1, 2), dscp=26), ProgrammedQos(ingress=(3, 0))
    of_outer = ProgrammedQos(egress=(4, 0))
    assert programmed_now() == [None, None, None]
    alice.put(f"/networks/{network.id}", {"network": {"qos_policy_id": low["id"]}})
    admin.put(f"/networks/{public.id}", {"network": {"qos_policy_id": outer["id"]}})
    assert programmed_now() == [of_low, of_outer, of_outer]
    alice.put(f"/ports/{made.id}", {"port": {"qos_policy_id": high["id"]}})
    alice.put(f"/floatingips/{floating_ip['id']}", {"floatingip": {"qos_policy_id": high["id"]}})
    info = {"network_id": str(public.id), "qos_policy_id": low["id"]}
    alice.put(f"/routers/{router}", {"router": {"external_gateway_info": info}})
    assert programmed_now() == [of_high, of_high, of_low]
    assert alice.get(f"/floatingips/{floating_ip['id']}").json()["floatingip"]["qos_network_policy_id"] == outer["id"]


def test_rule_types(alice: Caller, admin: Caller) -> None:
    listed = alice.get("/qos/rule-types").json()["rule_types"]
    assert listed == [{"type": "bandwidth_limit"}, {"type": "dscp_marking"}]
    assert len(alice.get("/qos/rule-types", all_rules="True").json()["rule_types"]) == 5
    assert alice.get("/qos/rule-types", type="dscp_marking").json()["rule_types"] == listed[1:]
    assert refusal(alice.get("/qos/rule-types/dscp_marking"))[0] == 403
    (driver,) = admin.get("/qos/rule-types/bandwidth_limit").json()["rule_type"]["drivers"]
    assert [item["parameter_name"] for item in driver["supported_parameters"]] == [
        "max_kbps", "max_burst_kbps", "direction"
    ]  # fmt: skip
    assert refusal(admin.get("/qos/rule-types/minimum_bandwidth"))[:2] == (404, "QosRuleTypeNotFound")
