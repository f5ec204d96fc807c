"""What every network engine must do with security groups. A subclass gives `engine`, which is empty."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.drivers import engine_contract, samples
from tests.unit.drivers.engine_contract import cloud
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine
from workers.drivers.network.base.rules import ICMP, TCP, GroupSpec, RuleSpec

WEB = RuleSpec("ingress", protocol=TCP, low=80, high=80)
SSH = RuleSpec("ingress", protocol=TCP, low=22, high=22, remote_range="198.18.0.0/16")
OUT = RuleSpec("egress")
PING = RuleSpec("ingress", protocol=ICMP)


class RulesContract:
    """Fixture: `engine`."""

    def test_groups(self, engine: NetworkEngine) -> None:
        first, second = GroupSpec(samples.new_id(), (WEB, OUT)), GroupSpec(samples.new_id())
        among = RuleSpec("ingress", remote_group=first.id)
        many = tuple(RuleSpec("ingress", remote_range=f"10.{number}.0.0/24") for number in range(20))
        for groups in (
            (first, second),
            (first, second),
            (first, dataclasses.replace(second, rules=(among,))),
            (dataclasses.replace(first, rules=(SSH,)), second),
            (dataclasses.replace(first, rules=many), second),
            (dataclasses.replace(first, rules=many[1:]), dataclasses.replace(second, stateful=False, rules=(WEB,))),
            (dataclasses.replace(first, rules=()), second),
        ):
            engine.rules.ensure_groups(groups)
            assert engine.differences(CloudSpec(groups=groups)) == ()
            assert engine.rules.list_groups() == {first.id, second.id}
        engine.rules.ensure_groups([dataclasses.replace(first, rules=many)])
        for _ in range(2):
            engine.rules.remove_groups([first.id, second.id])
            assert engine.differences(CloudSpec()) == ()

    def test_members(self, engine: NetworkEngine) -> None:
        network = engine_contract.network(90)
        groups = tuple(GroupSpec(samples.new_id(), (WEB,)) for _ in range(2))
        engine.rules.ensure_groups(groups)
        keys = tuple(group.id for group in groups)
        port = engine_contract.port(network, groups=keys)
        other = engine_contract.port(network, 11, groups=keys[:1])
        for chosen in (keys, keys[:1], keys[1:], (), None, keys):
            changed = dataclasses.replace(port, groups=chosen)
            for _ in range(2):
                engine.l2.ensure_ports(network, [changed, other])
                assert engine.differences(cloud((network, (changed, other)), groups=groups)) == ()
        engine.rules.ensure_groups([dataclasses.replace(groups[0], rules=())])
        assert [item.id for item in engine.l2.list_ports()] == sorted((port.id, other.id))
        engine.rules.ensure_groups(groups)
        assert engine.differences(cloud((network, (port, other)), groups=groups)) == ()
        engine.l2.remove_ports([port.id, other.id])
        assert engine.differences(cloud((network, ()), groups=groups)) == ()

    def test_reconcile_groups(self, engine: NetworkEngine) -> None:
        network = engine_contract.network(91)
        groups = (GroupSpec(samples.new_id(), (WEB, SSH, OUT, PING)),)
        ports = (engine_contract.port(network, groups=(groups[0].id,)),)
        wanted = cloud((network, ports), groups=groups)
        assert engine.reconcile(wanted) != ()
        assert engine.reconcile(wanted) == ()
        engine.rules.ensure_groups([dataclasses.replace(groups[0], rules=())])
        assert engine.reconcile(wanted) != ()
        assert engine.differences(wanted) == ()

    @pytest.mark.parametrize("members", [1, 500])
    def test_flows_grow_with_members(self, engine: NetworkEngine, members: int) -> None:
        one = GroupSpec(samples.new_id(), (WEB,))
        assert engine.rules.flows(one, 2 * members) > engine.rules.flows(one, members) > 0
