"""A real guest from image to nothing left, through the drivers of hypervisor and storage."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from tests.host.drivers.conftest import fixed_network
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.storage.base import CachedImage, StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.usefixtures("clean_host", "bridge")]

META_DATA = b'{"uuid": "%s", "hostname": "booted", "name": "booted"}'


def vnc_greeting(path: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        return client.recv(12)


@pytest.mark.heavy  # tests/host/test_real_cloud.py boots, reboots and stops a guest through the whole cloud
def test_boot(
    hypervisor: HypervisorDriver,
    network: NetworkSpec,
    storage: StorageDriver,
    cached: CachedImage,
    state_directory: Path,
) -> None:
    port = samples.port(network, 10)
    server_id = samples.new_id()
    seen: list[str] = []
    hypervisor.watch(lambda _server_id, event: seen.append(event))
    started = time.monotonic()
    documents = {
        "openstack/latest/meta_data.json": META_DATA % server_id.encode(),
        "openstack/latest/network_data.json": fixed_network(port),
    }
    disks = (
        samples.disk(storage.create_root(server_id, cached, 1), "vda", boot_index=1),
        samples.disk(storage.create_ephemeral(server_id, 0, 1), "vdb"),
        samples.disk(storage.create_swap(server_id, 64), "vdc"),
        samples.disk(storage.create_config_drive(server_id, documents), "sda", device="cdrom"),
    )
    spec = samples.server(
        state_directory, id=server_id, disks=disks, interfaces=(samples.interface(network, port),), ram_mib=128
    )
    try:
        info = hypervisor.spawn(spec)
        spawned = time.monotonic()
        assert info.vnc_socket is not None
        assert stat.S_IMODE(os.stat(info.vnc_socket).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(info.vnc_socket)).st_mode) & 0o007 == 0
        assert vnc_greeting(info.vnc_socket).startswith(b"RFB ")
        eventually(lambda: b"login:" in hypervisor.console_output(server_id), 180)
        text = hypervisor.console_output(server_id).decode()
        assert "host name booted" in text
        assert "ephemeral disk" in text
        assert "swap on" in text
        assert f"{port.fixed_ips[0].ip}/24" in text
        print(f"spawn {spawned - started:.2f} s, login {time.monotonic() - spawned:.2f} s later")

        hypervisor.reboot(server_id, 30)
        eventually(lambda: hypervisor.console_output(server_id).count(b"login:") >= 2, 180)
        hypervisor.stop(server_id, 30)
        assert seen[-1] == "stopped" or seen.count("stopped") >= 1
        shown = len(hypervisor.console_output(server_id))
        hypervisor.start(spec)
        eventually(lambda: b"tiny: " in hypervisor.console_output(server_id)[shown:], 180)
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
