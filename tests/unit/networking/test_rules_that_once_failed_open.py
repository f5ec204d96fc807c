"""OSSA-2012-007 and 2014-014: a rule that a host could not apply was stored, and nothing after it was applied."""

from typing import Any

import pytest

from apps.networking.models import SecurityGroupRule
from apps.networking.protocols import NUMBERS
from tests.callers import Caller

STRANGE_PREFIXES = (
    "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/", "/8", "300.1.1.1/8", "10.0.0.0/8/8", "::/129",
    "fe80::%eth0/64", "10.0.0.0/255.0.255.0", "0x0a000000/8", "10.0.0.0/8; drop", "any", "²/8", " ",
)  # fmt: skip


def post(owner: Caller, **values: Any) -> Any:
    (group,) = owner.get("/security-groups").json()["security_groups"]
    rule = {"security_group_id": group["id"], "direction": "ingress", **values}
    return owner.post("/security-group-rules", {"security_group_rule": rule})


@pytest.mark.parametrize("protocol", sorted(NUMBERS))
def test_protocols_in_any_case_are_stored_in_one(alice: Caller, protocol: str) -> None:
    """2012-007: "TCP" was stored, and no host knew it."""
    ethertype = "IPv6" if "ipv6" in protocol or protocol == "icmpv6" else "IPv4"
    for text in (protocol.upper(), protocol.title(), f" {protocol} "):
        answer = post(alice, protocol=text, ethertype=ethertype)
        assert answer.status_code in (201, 409), answer.content  # the same rule again is a duplicate
    stored = set(SecurityGroupRule.objects.exclude(protocol=None).values_list("protocol", flat=True))
    assert stored == {protocol}


@pytest.mark.parametrize("prefix", STRANGE_PREFIXES)
def test_no_strange_prefix_is_stored(alice: Caller, prefix: str) -> None:
    """2014-014: one invalid CIDR, and no rule after it was applied on any host."""
    alice.get("/security-groups")
    before = SecurityGroupRule.objects.count()
    answer = post(alice, remote_ip_prefix=prefix)
    assert answer.status_code == 400, answer.content
    assert answer.json()["NeutronError"]["message"]
    assert SecurityGroupRule.objects.count() == before
