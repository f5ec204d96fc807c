"""What the tests of the real drivers share: where they work, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.network.base import PortSpec
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import CachedImage, ImageSource, StorageDriver


def output(*argv: str) -> str:
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout


def residue(state_directory: Path) -> dict[str, str]:
    """Whatever a test could leave on the host: interfaces, rules, daemons and domains by the tests' names, files."""
    files = [str(path) for path in state_directory.rglob("*") if path.is_file() and path.name != "owner"]
    daemons = [line for line in output("ps", "-eo", "pid,stat,args").splitlines() if str(state_directory) in line]
    return {
        "interfaces": "\n".join(line for line in output("ip", "-o", "link").splitlines() if ": cly-t" in line),
        "rules": "\n".join(line for line in output("nft", "list", "ruleset").splitlines() if "cly-t" in line),
        "daemons": "\n".join(line for line in daemons if " Z" not in line),
        "domains": "\n".join(line for line in output("virsh", "list", "--all").splitlines() if "cly-t" in line),
        "files": "\n".join(files),
    }


@pytest.fixture
def clean_host(state_directory: Path) -> Iterator[None]:
    """The test leaves nothing that was not there before it."""
    before = residue(state_directory)
    yield
    assert residue(state_directory) == before


@pytest.fixture
def hypervisor(state_directory: Path) -> Iterator[HypervisorDriver]:
    uri = os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system")
    driver = hypervisors.load("libvirt", {"state_dir": state_directory, "uri": uri})
    yield driver
    driver.close()


@pytest.fixture
def bridge() -> Iterator[None]:
    """A bridge of the kernel's for the cards of `samples.interface`: nobody answers there."""
    subprocess.run(["ip", "link", "add", samples.BRIDGE, "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "set", samples.BRIDGE, "up"], check=True)
    yield
    subprocess.run(["ip", "link", "delete", samples.BRIDGE], check=True)


@pytest.fixture
def network() -> NetworkSpec:
    return samples.network(os.getpid() % 200 + 20)


@pytest.fixture
def storage(state_directory: Path) -> Iterator[StorageDriver]:
    driver = storages.load("local", {"state_dir": state_directory})
    yield driver
    for server_id in driver.list_servers():
        driver.remove_server(server_id)
    for image in driver.list_images():
        driver.evict_image(image.sha512)


@pytest.fixture
def cached(storage: StorageDriver, guest_image: Path) -> CachedImage:
    """The image `tiny` in the cache of this host."""
    image = samples.image_of(guest_image.read_bytes())
    return storage.cache_image(image, ImageSource(guest_image.as_uri()))


def fixed_network(port: PortSpec) -> bytes:
    """network_data.json that fixes the port's address: no DHCP server answers on the tests' bridge."""
    address = {"type": "ipv4", "link": port.tap, "ip_address": port.fixed_ips[0].ip, "netmask": "255.255.255.0"}
    link = {"id": port.tap, "ethernet_mac_address": port.mac, "mtu": 1450}
    return json.dumps({"links": [link], "networks": [{"id": "network0", **address, "routes": []}]}).encode()
