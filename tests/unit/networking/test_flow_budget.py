"""The budget of flows: what counts as distinct rules, as the engine merges them, and what is refused."""

import uuid
from typing import Any

import pytest

from apps.networking.models import Port, PortSecurityGroup, SecurityGroup, SecurityGroupRule
from apps.networking.selectors import programmed
from apps.networking.sql import flow_budget
from tests.callers import Caller
from workers.drivers.network.ovn import matches
from workers.mapping import engine

pytestmark = pytest.mark.django_db


def rule(group: SecurityGroup, cidr: str | None, low: int | None, high: int | None = None, **more: Any) -> None:
    ports = {"port_range_min": low, "port_range_max": high or low}
    values = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "remote_ip_prefix": cidr, **ports, **more}
    SecurityGroupRule.objects.create(security_group=group, project_id=group.project_id, **values)


def group_of(kind: str) -> SecurityGroup:
    group = SecurityGroup.objects.create(project_id="p", name=kind)
    for number in range(1, 6):
        cidr, port = f"10.{number}.0.0/16", 100 + number
        if kind == "ranges":
            rule(group, cidr, 80)
        elif kind == "ports":
            rule(group, "10.0.0.0/8", port)
        elif kind == "port ranges":
            rule(group, "10.0.0.0/8", port, port + 10)
        elif kind == "distinct":
            rule(group, cidr, port)
        else:
            for other in range(5):
                rule(group, cidr, 200 + other)
    return group


@pytest.mark.parametrize(
    ("kind", "distinct"), [("ranges", 1), ("ports", 1), ("grid", 1), ("port ranges", 5), ("distinct", 5)]
)
def test_distinct_rules_are_what_the_engine_programs(kind: str, distinct: int) -> None:
    group = group_of(kind)
    ((_, rules, ports),) = flow_budget.COSTS.fetch({"groups": [group.id]})
    (facts,) = programmed.groups(group_ids=[group.id])
    assert (rules, ports) == (len(matches.of_group(engine.group_spec(facts))), 0) == (distinct, 0)


def test_what_would_wedge_a_host_is_refused(alice: Caller, make_network: Any, settings: Any) -> None:
    network = make_network(alice)
    group = alice.post("/security-groups", {"security_group": {"name": "web"}}).json()["security_group"]["id"]
    SecurityGroupRule.objects.filter(security_group_id=group).delete()
    settings.GROUP_FLOWS = 8

    def add_rule(cidr: str, port: int) -> Any:
        document = {"security_group_id": group, "direction": "ingress", "protocol": "tcp", "remote_ip_prefix": cidr}
        ports = {"port_range_min": port, "port_range_max": port}
        return alice.post("/security-group-rules", {"security_group_rule": {**document, **ports}})

    def add_port() -> Any:
        return alice.post("/ports", {"port": {"network_id": str(network.id), "security_groups": [group]}})

    assert [add_port().status_code for _ in range(2)] == [201, 201]
    answers = [add_rule(f"10.{number}.0.0/16", number) for number in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    error = answers[2].json()["NeutronError"]
    assert error["type"] == "OverQuota"
    assert "3 distinct rules on 2 ports: 12 flows, of 8" in error["message"]
    assert add_rule("10.9.0.0/16", 2).status_code == 201  # another range of a rule that is there
    refused = add_port()
    assert (refused.status_code, refused.json()["NeutronError"]["type"]) == (409, "OverQuota")
    assert Port.objects.filter(network=network).count() == 2
    assert PortSecurityGroup.objects.filter(security_group_id=uuid.UUID(group)).count() == 2
    assert SecurityGroupRule.objects.filter(security_group_id=group).count() == 3
