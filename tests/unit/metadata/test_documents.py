"""What a server's documents say of its addresses, groups and disks."""

import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from apps.compute.models import BlockDevice
from apps.metadata import documents
from apps.networking.values import ServerAddress
from tests.unit.metadata import samples
from workers.mapping import config_drives


def address(*floating_ips: str, groups: tuple[str, ...] = ("default",)) -> ServerAddress:
    return ServerAddress(
        port_id=samples.PORT, network_id=samples.NETWORK, network_name="n", ip="10.0.0.5", version=4,
        mac="fa:16:3e:00:00:01", port_status="ACTIVE", security_groups=groups, floating_ips=floating_ips,
    )  # fmt: skip


def test_ec2_addresses_and_groups() -> None:
    addresses = [address("198.19.0.7", groups=("web", "default")), address("198.19.0.8")]
    told = documents.ec2_meta_data(samples.server(), [samples.port()], addresses=addresses)
    assert (told["local-ipv4"], told["public-ipv4"]) == ("10.0.0.5", "198.19.0.7")
    assert told["security-groups"] == ["default", "web"]
    assert documents.ec2_meta_data(samples.server(), [samples.port()])["public-ipv4"] == ""


def test_ec2_addresses_of_version_6() -> None:
    six = samples.subnet(cidr="fd00::/64", ip_version=6, gateway_ip="fd00::1")
    told = documents.ec2_meta_data(samples.server(), [samples.port(six, ips=("fd00::5",))])
    assert (told["ipv6"], "local-ipv4" in told) == ("fd00::5", False)


def test_ec2_disks() -> None:
    disks = [
        BlockDevice(kind="root", device="vda"),
        BlockDevice(kind="ephemeral", device="vdb"),
        BlockDevice(kind="ephemeral", device="vdc"),
        BlockDevice(kind="swap", device="vdd"),
    ]
    told = documents.ec2_meta_data(samples.server(), [], disks=disks)["block-device-mapping"]
    assert told == {
        "ami": "vda", "root": "/dev/vda", "ephemeral0": "/dev/vdb", "ephemeral1": "/dev/vdc", "swap": "/dev/vdd",
    }  # fmt: skip


def test_network_data() -> None:
    outside = samples.subnet(enable_dhcp=False, gateway_ip="10.9.0.1")
    told = documents.network_data([samples.port(), samples.port(outside)])
    assert told["links"][0] == {
        "id": "tap00000002000", "vif_id": str(samples.PORT), "type": "ovs", "mtu": 1442,
        "ethernet_mac_address": "fa:16:3e:00:00:01",
    }  # fmt: skip
    dhcp, static = told["networks"]
    assert (dhcp["id"], dhcp["type"], dhcp["network_id"]) == ("network0", "ipv4_dhcp", str(samples.NETWORK))
    assert (static["type"], static["ip_address"], static["netmask"]) == ("ipv4", "10.0.0.5", "255.255.255.0")
    assert static["routes"] == []  # its gateway is not in its range
    six = {"cidr": "fd00::/64", "ip_version": 6, "gateway_ip": "fd00::1"}
    for mode, kind in ((None, "ipv6"), ("slaac", "ipv6_slaac"), ("dhcpv6-stateful", "ipv6_dhcpv6-stateful")):
        both = samples.port(
            samples.subnet(),
            samples.subnet(id=uuid.uuid4(), ipv6_address_mode=mode, **six),
            ips=("10.0.0.5", "fd00::5"),
        )
        assert [net["type"] for net in documents.network_data([both])["networks"]] == ["ipv4_dhcp", kind]


@pytest.mark.parametrize(
    ("text", "expected"), [('{"a": 1}', {"a": 1}), ("[1]", {}), ("{", {}), ("", {}), (None, {})]
)  # fmt: skip
def test_vendor_data(settings: Any, tmp_path: Path, text: str | None, expected: dict[str, Any]) -> None:
    """A file that cannot be read, or is no object, is no reason to answer nothing."""
    file = tmp_path / "vendor.json"
    settings.VENDOR_DATA = str(file)
    if text is not None:
        file.write_text(text)
    assert documents.vendor_data() == expected


def test_what_a_vendors_service_gets() -> None:
    told = documents.vendor_request(samples.server())
    assert (told["instance-id"], told["project-id"]) == (str(samples.server().id), "project")
    assert told["metadata"] == {"role": "web"}


def test_a_config_drive(settings: Any) -> None:
    """The service's documents as files; a vendor's service that is away leaves its document empty."""
    settings.VENDOR_DATA, settings.VENDOR_DATA_URL = "", "http://127.0.0.1:1"
    personality = [{"path": "/etc/motd", "contents": "aGVsbG8="}]
    server, device = samples.server(personality=personality), {"type": "disk", "serial": "volume"}
    files = config_drives.files_of(config_drives.bundle(server, [samples.port()], devices=[device]))
    meta = orjson.loads(files["openstack/latest/meta_data.json"])
    assert (meta["uuid"], meta["name"], meta["devices"]) == (str(server.id), "Web server", [device])
    assert meta["availability_zone"] == server.zone  # Kubernetes' controllers ask the drive first
    assert files["openstack/2018-08-27/user_data"] == files["ec2/latest/user-data"] == b"#!/bin/sh\n"
    assert files["openstack/content/0000"] == b"hello"
    assert files["openstack/latest/vendor_data2.json"] == b"{}"
    ec2 = orjson.loads(files["ec2/2009-04-04/meta-data.json"])
    assert ec2["public-keys"] == {"0": {"openssh-key": "ssh-ed25519 AAAA"}}
    assert (ec2["local-ipv4"], ec2["security-groups"]) == ("10.0.0.5", ["default"])
