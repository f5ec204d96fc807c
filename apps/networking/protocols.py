"""Protocols of rules: IANA's numbers under the names that Neutron takes (neutron_lib/constants.py)."""

NUMBERS = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "hopopt": 0,
    "icmp": 1,
    "icmpv6": 58,
    "igmp": 2,
    "ip": 0,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
_ANY = "ip"


def number(protocol: str) -> int:
    """Return the number of a protocol's name or digits."""
    return NUMBERS[protocol] if protocol in NUMBERS else int(protocol)


def matched(protocol: str | None) -> int | None:
    """Return the number that a rule matches; None for any. "ip" is every protocol, as in Neutron."""
    return None if protocol in (None, _ANY) else number(str(protocol))
