"""What a guarded port may send, seen by its neighbour on real OVN daemons: nothing in another's name."""

from __future__ import annotations

import dataclasses

import pytest

from tests.host.ovn import frames
from tests.host.ovn.daemons import Central, Host
from tests.host.ovn.guests import guest
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from tests.unit.drivers.rules_contract import OUT
from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import AddressPair, NetworkSpec
from workers.drivers.network.base.rules import GroupSpec, RuleSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
OTHER_MAC, PAIR_MAC = "fa:16:3e:00:00:99", "00:00:5e:00:01:07"
OWN, OTHER, OWN_PAIR, PAIR = "10.77.98.10", "10.77.98.99", "10.77.98.20", "10.77.98.21"
OWN_6, OTHER_6 = "fd00:98::10", "fd00:98::99"
EVERYTHING = (OUT, RuleSpec("egress", version=6), RuleSpec("ingress"), RuleSpec("ingress", version=6))


def network() -> NetworkSpec:
    one = engine_contract.network(98)
    return dataclasses.replace(one, subnets=(*one.subnets, SubnetSpec(samples.new_id(), "fd00:98::/64", "fd00:98::1")))


def test_nothing_in_anothers_name(engine: NetworkEngine, central: Central, host: Host) -> None:
    of = network()
    group = GroupSpec(samples.new_id(), EVERYTHING)
    engine.rules.ensure_groups([group])
    pairs = (AddressPair(f"{OWN_PAIR}/32"), AddressPair(f"{PAIR}/32", PAIR_MAC))
    addresses = (FixedIP(of.subnets[0].id, OWN), FixedIP(of.subnets[1].id, OWN_6))
    one = engine_contract.port(of, fixed_ips=addresses, groups=(group.id,), address_pairs=pairs)
    two = engine_contract.port(of, 11, port_security=False)
    engine.l2.ensure_ports(of, [one, two])
    to, to_6 = (two.mac, "10.77.98.11"), (two.mac, "fd00:98::11")
    mine, mine_6 = (one.mac, OWN), (one.mac, OWN_6)
    allowed = {
        "address": frames.datagram(mine, to),
        "address six": frames.datagram(mine_6, to_6),
        "arp": frames.arp(one.mac, two.mac, claims=mine),
        "neighbour": frames.neighbour(mine_6, to_6, claims=OWN_6),
        "pair of the own mac": frames.datagram((one.mac, OWN_PAIR), to),
        "pair": frames.datagram((PAIR_MAC, PAIR), to),
        "arp of a pair": frames.arp(PAIR_MAC, two.mac, claims=(PAIR_MAC, PAIR)),
    }
    spoofed = {
        "mac": frames.datagram((OTHER_MAC, OWN), to),
        "other address": frames.datagram((one.mac, OTHER), to),
        "no address": frames.datagram((one.mac, "0.0.0.0"), to),
        "other address six": frames.datagram((one.mac, OTHER_6), to_6),
        "mac of a pair": frames.datagram((PAIR_MAC, OWN), to),
        "arp of an address": frames.arp(one.mac, two.mac, claims=(one.mac, OTHER)),
        "arp of a mac": frames.arp(one.mac, two.mac, claims=(OTHER_MAC, OWN)),
        "neighbour of an address": frames.neighbour(mine_6, to_6, claims=OTHER_6),
        "neighbour from an address": frames.neighbour((one.mac, OTHER_6), to_6, claims=OTHER_6),
    }
    last = {"last": allowed["address"]}
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        central.nbctl("--wait=hv", "sync")
        with frames.seen(second) as seen:
            frames.send(first, {**allowed, **spoofed, **last})
            assert seen.until("last") == set(allowed)
            engine.l2.ensure_ports(of, [dataclasses.replace(one, fixed_ips=(), address_pairs=pairs[1:])])
            # From now on the port's own MAC has no address; its pair has one.
            last = {"last": allowed["pair"]}
            own = {word: frame for word, frame in {**allowed, **spoofed}.items() if "pair" not in word}
            central.nbctl("--wait=hv", "sync")
            frames.send(first, {**own, **last})
            assert seen.until("last") == set()
        with frames.seen(first) as seen:  # a pair's MAC is the port's to receive, too
            frames.send(second, {"last": frames.datagram(to, (PAIR_MAC, PAIR))})
            assert seen.until("last") == set()
