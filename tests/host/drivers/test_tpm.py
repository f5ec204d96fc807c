"""A TPM of a real guest: its state is encrypted, stays over stops, goes along in a copy, and ends with the server."""

from __future__ import annotations

import os
from pathlib import Path

import libvirt
import pytest

from tests.unit.drivers import samples
from workers.drivers.hypervisor.base import Hardware, HypervisorDriver, TpmSpec
from workers.drivers.hypervisor.errors import SpawnFailed
from workers.drivers.hypervisor.libvirt import tpm
from workers.drivers.storage.base import StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.usefixtures("clean_host")]
SWTPM = Path("/var/lib/libvirt/swtpm")


def secrets_of(server_id: str) -> list[str]:
    with libvirt.open(os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system")) as connection:
        return [uuid for uuid in connection.listSecrets() if uuid == tpm.secret_id(server_id)]


def test_state_of_a_tpm(hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path) -> None:
    if "COMPUTE_SECURITY_TPM_2_0" not in hypervisor.facts().traits:
        pytest.skip("this host has no swtpm")
    server_id = samples.new_id()
    disk = samples.disk(storage.create_root(server_id, None, 1), "vda", boot_index=1)
    hardware = Hardware(tpm=TpmSpec("2.0", "tpm-crb", "0123456789abcdef" * 4))
    spec = samples.server(state_directory, id=server_id, disks=(disk,), hardware=hardware)
    state, copy = SWTPM / server_id / "tpm2" / "tpm2-00.permall", Path(spec.instance_dir) / tpm.COPY
    try:
        hypervisor.spawn(spec)
        assert secrets_of(server_id)
        hypervisor.stop(server_id, 0)
        before = state.read_bytes()
        hypervisor.start(spec)  # swtpm opens what is there: with another secret it would not
        hypervisor.destroy(server_id)  # as on a host that the server leaves
        assert copy.is_file() and not state.exists() and not secrets_of(server_id)
        hypervisor.start(spec)
        assert state.stat().st_size == len(before)
        copy.unlink()
        hypervisor.stop(server_id, 0)
        assert copy.is_file()
        wrong = samples.server(
            state_directory, id=server_id, disks=(disk,), hardware=Hardware(tpm=TpmSpec("2.0", "tpm-crb", "f" * 64))
        )
        hypervisor.destroy(server_id)
        with pytest.raises(SpawnFailed):
            hypervisor.start(wrong)
    finally:
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
    assert not (SWTPM / server_id).exists()
    assert not secrets_of(server_id)
