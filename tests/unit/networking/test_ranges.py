"""Arithmetic of addresses."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.networking import exceptions, ranges


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "10.0.0.0", "x/24", "10.0.0.0/31", ""],
)
def test_refused_ranges(text: str) -> None:
    with pytest.raises(exceptions.InvalidInput):
        ranges.subnet_range(text, version=4, dhcp=True)


def test_version_must_match() -> None:
    with pytest.raises(exceptions.InvalidInput, match="ip_version"):
        ranges.subnet_range("fd00::/64", version=4, dhcp=True)


def test_default_pools_leave_out_the_gateway() -> None:
    cidr = ranges.network("10.0.0.0/24", field="cidr")
    gateway = ranges.address("10.0.0.100", field="gateway_ip")
    assert ranges.pool_documents(ranges.default_pools(cidr, gateway)) == [
        {"start": "10.0.0.1", "end": "10.0.0.99"},
        {"start": "10.0.0.101", "end": "10.0.0.254"},
    ]


@pytest.mark.parametrize(
    ("pools", "error"),
    [
        ([{"start": "10.0.0.20", "end": "10.0.0.10"}], exceptions.InvalidAllocationPool),
        ([{"start": "10.0.1.2", "end": "10.0.1.9"}], exceptions.OutOfBoundsAllocationPool),
        ([{"start": "10.0.0.0", "end": "10.0.0.9"}], exceptions.OutOfBoundsAllocationPool),
        (
            [{"start": "10.0.0.5", "end": "10.0.0.9"}, {"start": "10.0.0.9", "end": "10.0.0.12"}],
            exceptions.OverlappingAllocationPools,
        ),
        ([{"start": "10.0.0.1", "end": "10.0.0.9"}], exceptions.GatewayConflict),
        ([{"start": "fe80::1", "end": "10.0.0.9"}], exceptions.InvalidAllocationPool),
        ([{"end": "10.0.0.9"}], exceptions.InvalidInput),
    ],
)
def test_refused_pools(pools: list[dict[str, str]], error: type[Exception]) -> None:
    cidr = ranges.network("10.0.0.0/24", field="cidr")
    with pytest.raises(error):
        ranges.parse_pools(pools, cidr, ranges.default_gateway(cidr))


@given(st.integers(8, 30), st.integers(1, 2**32 - 1), st.data())
def test_candidates_lie_in_the_pools(prefix: int, base: int, data: st.DataObject) -> None:
    cidr = ipaddress.ip_network((base & (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF, prefix))
    gateway = cidr.network_address + data.draw(st.integers(1, cidr.num_addresses - 2))
    pools = ranges.default_pools(cidr, gateway)
    for text in ranges.candidates(pools, 8):
        address = ipaddress.ip_address(text)
        assert address in cidr
        assert address not in (gateway, cidr.network_address, cidr.broadcast_address)
