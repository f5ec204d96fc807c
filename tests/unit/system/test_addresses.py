"""Where other hosts reach this one."""

import pytest

from workers.system import addresses


@pytest.mark.parametrize(
    ("given", "listen", "known"),
    [
        ("", "192.0.2.8:8774", "192.0.2.8"), ("192.0.2.7", "0.0.0.0:8774", "192.0.2.7"),
        ("", "0.0.0.0:8774", "127.0.0.1"), ("", "[2001:db8::1]:8774", "2001:db8::1"), ("", "[::]:0", "127.0.0.1"),
        ("", "compute-1:8774", "compute-1"),
    ],
)  # fmt: skip
def test_of_host(given: str, listen: str, known: str) -> None:
    assert addresses.of_host(given, listen, "127.0.0.1") == known


def test_in_urls_and_rows() -> None:
    assert addresses.in_url("2001:db8::1") == "[2001:db8::1]" and addresses.in_url("compute-1") == "compute-1"
    assert (addresses.resolved("2001:DB8::1"), addresses.resolved("localhost") in ("127.0.0.1", "::1")) == (
        "2001:db8::1",
        True,
    )
    assert addresses.resolved("no.such.host.invalid") == ""
