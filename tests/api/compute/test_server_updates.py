"""PUT /servers/{id}: accepted fields, and exactly the keys of Nova's answer, by microversion."""

from typing import Any

import pytest

from apps.compute.models import Server
from tests.api.compute.conftest import ComputeCaller

BASE = {
    "id", "name", "links", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created",
    "updated", "addresses", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig", "progress",
}  # fmt: skip
WHOLE = {
    "OS-EXT-AZ:availability_zone", "config_drive", "key_name", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at",
    "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state", "os-extended-volumes:volumes_attached",
}  # fmt: skip
ADMIN = {
    "host_status",
    *(
        f"OS-EXT-SRV-ATTR:{name}"
        for name in (
            "host", "instance_name", "hypervisor_hostname", "reservation_id", "launch_index", "kernel_id", "ramdisk_id",
            "root_device_name", "user_data", "hostname",
        )
    ),
}  # fmt: skip
SINCE = {
    "2.9": {"locked"},
    "2.19": {"description"},
    "2.26": {"tags"},
    "2.63": {"trusted_image_certificates"},
    "2.71": {"server_groups"},
    "2.73": {"locked_reason"},
    "2.75": WHOLE,
    "2.90": {"OS-EXT-SRV-ATTR:hostname"},
    "2.96": {"pinned_availability_zone"},
    "2.100": {"scheduler_hints"},
}


def keys(version: str) -> set[str]:
    at_most = int(version.split(".")[1])
    return BASE.union(*(names for first, names in SINCE.items() if int(first.split(".")[1]) <= at_most))


@pytest.mark.parametrize("version", ["2.1", "2.8", *SINCE, "2.47", "2.74"])
def test_keys(alice: ComputeCaller, admin: ComputeCaller, server: Server, version: str) -> None:
    for caller in (alice, admin):
        answer = caller.at(version).put(f"/servers/{server.id}", {"server": {"name": "new"}})
        more = ADMIN if caller is admin and int(version.split(".")[1]) >= 75 else set()
        assert answer.status_code == 200
        assert set(answer.json()["server"]) == keys(version) | more


ADDRESSES = [
    ({"accessIPv4": "", "accessIPv6": ""}, "", ""),
    ({"accessIPv4": None, "accessIPv6": None}, "", ""),
    ({"accessIPv4": "192.0.2.1"}, "192.0.2.1", "2001:db8::1"),
    ({"accessIPv6": "0000:0000:0000:0000:0000:babe:220.12.22.2"}, "192.0.2.9", "::babe:dc0c:1602"),
]


@pytest.mark.parametrize(("values", "v4", "v6"), ADDRESSES)
def test_access_addresses(alice: ComputeCaller, server: Server, values: dict[str, Any], v4: str, v6: str) -> None:
    Server.objects.update(access_ip_v4="192.0.2.9", access_ip_v6="2001:db8::1")
    answer = alice.put(f"/servers/{server.id}", {"server": values})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["server"]["accessIPv4"], answer.json()["server"]["accessIPv6"]) == (v4, v6)


@pytest.mark.usefixtures("no_broker")
@pytest.mark.parametrize("value", ["", None])
def test_a_new_server_without_access_addresses(alice: ComputeCaller, wanted: dict[str, Any], value: Any) -> None:
    body = {**wanted, "networks": "none", "accessIPv4": value, "accessIPv6": value}
    answer = alice.at("2.37").post("/servers", {"server": body})
    assert answer.status_code == 202, answer.content
    assert Server.objects.get().access_ip_v4 is None


@pytest.mark.parametrize("values", [{"accessIPv4": "::1"}, {"accessIPv6": "192.0.2.1"}, {"accessIPv6": "fe80::1%eth0"}])
def test_addresses_of_another_kind(alice: ComputeCaller, server: Server, values: dict[str, Any]) -> None:
    answer = alice.put(f"/servers/{server.id}", {"server": values})
    assert answer.status_code == 400
    assert next(iter(values)) in answer.json()["badRequest"]["message"]
