"""Matches of security groups: merged, counted, and made of numbers and ranges alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base.rules import ICMP, ICMP_6, TCP, UDP, GroupSpec, RuleSpec
from workers.drivers.network.ovn import groups, matches

GROUP = "11111111-2222-3333-4444-555555555555"


def texts(*rules: RuleSpec) -> list[str]:
    group = GroupSpec(GROUP, rules)
    return [matches.text(match, "pg") for match in matches.of_group(group)]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (RuleSpec("ingress"), "outport == @pg && ip4"),
        (RuleSpec("egress", 6), "inport == @pg && ip6"),
        (RuleSpec("ingress", protocol=TCP, low=80, high=80), "outport == @pg && ip4 && tcp && tcp.dst == 80"),
        (RuleSpec("ingress", protocol=UDP, low=1, high=9), "outport == @pg && ip4 && udp && 1 <= udp.dst <= 9"),
        (RuleSpec("ingress", protocol=TCP, low=0, high=65535), "outport == @pg && ip4 && tcp"),
        (RuleSpec("ingress", protocol=ICMP), "outport == @pg && ip4 && icmp4"),
        (
            RuleSpec("egress", 6, protocol=ICMP_6, low=128, high=0),
            "inport == @pg && ip6 && icmp6 && icmp6.type == 128 && icmp6.code == 0",
        ),
        (RuleSpec("ingress", protocol=ICMP, low=0), "outport == @pg && ip4 && icmp4 && icmp4.type == 0"),
        (RuleSpec("ingress", protocol=47), "outport == @pg && ip4 && ip.proto == 47"),
        (RuleSpec("ingress", remote_range="0.0.0.0/0"), "outport == @pg && ip4"),
        (RuleSpec("ingress", remote_range="10.0.0.0/8"), "outport == @pg && ip4 && ip4.src == 10.0.0.0/8"),
        (RuleSpec("egress", remote_range="10.0.0.7/32"), "inport == @pg && ip4 && ip4.dst == 10.0.0.7/32"),
        (
            RuleSpec("ingress", remote_group=GROUP),
            "outport == @pg && ip4 && ip4.src == $pg_11111111_2222_3333_4444_555555555555_ip4",
        ),
    ],
)
def test_a_rule(rule: RuleSpec, text: str) -> None:
    assert texts(rule) == [text]


def test_ranges_are_merged() -> None:
    rules = [RuleSpec("ingress", protocol=TCP, low=22, high=22, remote_range=f"10.{n}.0.0/24") for n in (3, 1, 1)]
    assert texts(*rules) == ["outport == @pg && ip4 && tcp && tcp.dst == 22 && ip4.src == {10.1.0.0/24, 10.3.0.0/24}"]
    assert texts(*rules, RuleSpec("ingress", protocol=TCP, low=22, high=22)) == [
        "outport == @pg && ip4 && tcp && tcp.dst == 22"
    ]


def test_ports_are_merged() -> None:
    rules = [RuleSpec("ingress", protocol=TCP, low=port, high=port) for port in (443, 80)]
    assert texts(*rules) == ["outport == @pg && ip4 && tcp && tcp.dst == {80, 443}"]
    apart = RuleSpec("ingress", protocol=UDP, low=80, high=80)
    assert len(texts(*rules, apart)) == 2


def test_many_ranges_are_a_set_of_their_own() -> None:
    """A new range keeps the set's name, so only the set is written."""
    rules = tuple(RuleSpec("ingress", protocol=TCP, low=22, high=22, remote_range=f"10.{n}.0.0/24") for n in range(20))
    before, after = (groups.rows(GroupSpec(GROUP, chosen)) for chosen in (rules[1:], rules))
    assert [row.table for row in after] == ["Port_Group", "Address_Set", "ACL"]
    assert {row.uuid for row in before} == {row.uuid for row in after}
    assert len(after[1].columns["addresses"]) == 20  # type: ignore[arg-type]
    assert f"ip4.src == ${after[1].columns['name']}" in str(after[2].columns["match"])


def test_flows() -> None:
    """A thousand ranges for 500 ports are a sum; a thousand distinct pairs would be a product."""
    merged = tuple(
        RuleSpec("ingress", protocol=TCP, low=22, high=22, remote_range=f"10.{n >> 8}.{n & 255}.1/32")
        for n in range(1000)
    )
    assert matches.flows(GroupSpec(GROUP, merged), 500) == 2 * (500 + 1000)
    distinct = tuple(
        RuleSpec("ingress", protocol=TCP, low=n + 1, high=n + 1, remote_range=f"10.{n >> 8}.{n & 255}.1/32")
        for n in range(1000)
    )
    assert matches.flows(GroupSpec(GROUP, distinct), 500) == 2 * 500 * 1000


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": 256},
        {"protocol": -1},
        {"low": 80, "high": 80},
        {"protocol": TCP, "low": 80},
        {"protocol": TCP, "low": 90, "high": 80},
        {"protocol": TCP, "low": 0, "high": 65536},
        {"protocol": 47, "low": 1, "high": 1},
        {"protocol": 136, "low": 1, "high": 1},
        {"protocol": ICMP, "low": 256},
        {"protocol": ICMP, "high": 0},
        {"remote_range": "10.0.0.1/8"},
        {"remote_range": "fd00::/8"},
        {"remote_range": "10.0.0.0/8 || ip4"},
        {"remote_range": "10.0.0.0/8\n"},
        {"remote_group": "x"},
        {"remote_group": f"{GROUP} || ip4"},
        {"remote_group": GROUP, "remote_range": "10.0.0.0/8"},
    ],
)
def test_hostile_rules_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpecInvalid):
        RuleSpec("ingress", **values)
    with pytest.raises(SpecInvalid):
        RuleSpec("sideways")  # type: ignore[arg-type]


def test_matches_hold_plain_characters() -> None:
    for row in (
        *groups.guard_rows(),
        *groups.rows(GroupSpec(samples.new_id(), (RuleSpec("ingress", protocol=TCP, low=1, high=2),))),
    ):
        assert re.fullmatch(r"[A-Za-z0-9_ =&@$.{},/:<>-]+", str(row.columns.get("match", "-")))
