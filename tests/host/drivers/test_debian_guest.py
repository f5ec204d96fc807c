"""A Debian guest with cloud-init boots without a complaint of its kernel: `aes` without `pclmulqdq` gave it an oops."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.host import debian_image
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.storage.base import ImageSource, StorageDriver

pytestmark = [
    pytest.mark.libvirt,
    pytest.mark.slow,
    pytest.mark.heavy,
    pytest.mark.timeout(1500),
    pytest.mark.usefixtures("clean_host"),
]

USER_DATA = b"""#!/bin/sh
modprobe aesni_intel
echo "modules: $(cut -d' ' -f1 /proc/modules | tr '\\n' ' ')" > /dev/ttyS0
echo "end of user data" > /dev/ttyS0
"""
COMPLAINTS = re.compile(rb"Oops|invalid opcode|general protection|BUG:|Call Trace|Kernel panic")


def test_no_oops(hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path) -> None:
    if not debian_image.is_possible():
        pytest.skip("needs mmdebstrap")
    path, server_id = debian_image.ensure(), samples.new_id()
    cached = storage.cache_image(samples.image_of(path.read_bytes()), ImageSource(path.as_uri()))
    documents = {
        "openstack/latest/meta_data.json": b'{"uuid": "%s", "hostname": "debian"}' % server_id.encode(),
        "openstack/latest/user_data": USER_DATA,
    }
    disks = (
        samples.disk(storage.create_root(server_id, cached, 4), "vda", boot_index=1),
        samples.disk(storage.create_config_drive(server_id, documents), "sdg", device="cdrom", readonly=True),
    )
    spec = samples.server(state_directory, id=server_id, disks=disks, ram_mib=512, vcpus=2)
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"end of user data" in hypervisor.console_output(server_id), 1200)
        console = hypervisor.console_output(server_id, 1 << 20)
        assert b"aesni_intel" in console
        assert not COMPLAINTS.search(console)
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
