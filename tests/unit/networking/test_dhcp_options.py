"""Extra DHCP options of ports: which values are taken, and what the engine gets of them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.networking import dhcp_options
from apps.networking.models import Network
from apps.networking.values import ProgrammedPort
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base.l2 import DhcpOption
from workers.mapping import engine as mapping
from workers.mapping import refusals


@pytest.mark.parametrize(
    ("name", "text", "version", "values"),
    [
        ("mtu", "1400", 4, ("1400",)),
        ("26", "0576", 4, ("576",)),
        ("ntp-server", "10.0.0.1, 10.0.0.2", 4, ("10.0.0.1", "10.0.0.2")),
        ("dns-server", "2001:0db8::0001", 6, ("2001:db8::1",)),
        ("dns-server", "2001:db8::1", 4, None),  # kept and not sent, as Neutron's clients expect
        ("server-ip-address", "2015::badd", 4, None),
        ("tftp-server", "2015::dead", 4, ("2015::dead",)),
        ("tftp-server", "boot.example.org", 4, ("boot.example.org",)),
        ("bootfile-name", "http://198.18.0.1/boot.ipxe", 4, ("http://198.18.0.1/boot.ipxe",)),
        ("ip-forward-enable", "True", 4, ("1",)),
        ("121", "10.1.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1", 4, ("10.1.0.0/16", "10.0.0.9", "0.0.0.0/0", "10.0.0.1")),
        ("domain-search", "a.example.,b.example", 4, ("a.example", "b.example")),
    ],
)
def test_values(name: str, text: str, version: int, values: tuple[str, ...] | None) -> None:
    dhcp_options.check(name, text, version)
    value = dhcp_options.parse(name, text, version)
    assert (value.values if value is not None else None) == values
    if value is not None:
        DhcpOption(value.name, value.kind, value.values, version)


HOSTILE = ('a"b', "a\nb", "a)b", "a;b", "a\\b", "a'b", "{1.2.3.4}", "$a", "", "a" * 256, "é")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[(name, text) for name in ("bootfile-name", "tftp-server", "domain-search", "mtu") for text in HOSTILE],
        ("mtu", "65536"), ("default-ttl", "256"), ("T1", "4294967296"), ("mtu", "-1"), ("mtu", "1.5"),
        ("router", "10.0.0.1,10.0.0.2"), ("router", "10.0.0.1%eth0"), ("router", "x"),
        ("121", "10.1.0.1/16,10.0.0.9"), ("121", "10.1.0.0/16"), ("121", "fd00::/64,fd00::1"),
        ("ethernet-encap", "2"), ("dhcp_disabled", "maybe"), ("domain-name", "-a"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(alice: Caller, network: Network, name: str, text: str) -> None:
    option = {"opt_name": name, "opt_value": text}
    values = {"port": {"network_id": str(network.id), "extra_dhcp_opts": [option]}}
    assert refusal(alice.post("/ports", values))[0] == 400
    with pytest.raises(ValueError):
        dhcp_options.check(name, text, 4)


def test_options_of_dhcp(alice: Caller, network: Network) -> None:
    options = [{"opt_name": "bootfile-name", "opt_value": "a,b c", "ip_version": 4}]
    port = make(alice, "port", network_id=str(network.id), extra_dhcp_opts=options)
    assert port["extra_dhcp_opts"] == options
    path = f"/ports/{port['id']}"

    def change(*changes: dict[str, Any]) -> list[str]:
        answer = alice.put(path, {"port": {"extra_dhcp_opts": list(changes)}}).json()["port"]
        return [option["opt_name"] for option in answer["extra_dhcp_opts"]]

    assert change({"opt_name": "mtu", "opt_value": "1400"}) == ["bootfile-name", "mtu"]
    assert change({"opt_name": "bootfile-name", "opt_value": None}) == ["mtu"]
    for name in ("a\nb", "a,b", "tag:x", "", "a" * 65, "unknown", "server-id"):
        answer = alice.put(path, {"port": {"extra_dhcp_opts": [{"opt_name": name, "opt_value": "1"}]}})
        assert refusal(answer)[0] == 400
    answer = alice.put(path, {"port": {"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 6}]}})
    assert refusal(answer)[0] == 400


def port(*options: tuple[str, str, int]) -> ProgrammedPort:
    return ProgrammedPort(
        id=uuid.uuid4(), network_id=uuid.uuid4(), host="h1", mac="fa:16:3e:00:00:01", hostname="", admin_state_up=True,
        port_security_enabled=True, address_pairs=(), fixed_ips=(), dhcp_options=options,
    )  # fmt: skip


def test_the_engine_gets_what_can_be_sent() -> None:
    """What an older version stored and no engine could take is left out and reported; the guest gets the rest."""
    rows = port(("test_option_1", "x", 4), ("mtu", "1400", 4), ("router", "fd00::1", 4), ("mtu", "1\nx", 4))
    with refusals.collecting() as refused:
        spec = mapping.port_spec(rows)
    assert [(option.name, option.values) for option in spec.dhcp_options] == [("mtu", ("1400",))]
    assert len(refused) == 2
    assert spec.dhcp
    assert not mapping.port_spec(port(("dhcp_disabled", "true", 4))).dhcp
    assert mapping.port_spec(port(("dhcp_disabled", "false", 4))).dhcp


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_specs_refuse_hostile_values(text: str) -> None:
    for kind in ("address", "addresses", "number", "flag", "text", "host", "names", "routes"):
        with pytest.raises(SpecInvalid):
            DhcpOption("x1", kind, (text,))  # type: ignore[arg-type]
    for name in ("a-b", "a b", 'a"', ""):
        with pytest.raises(SpecInvalid):
            DhcpOption(name, "number", ("1",))
    with pytest.raises(SpecInvalid):
        DhcpOption("mtu", "number", ())
