"""A guest whose kernel and ramdisk are separate images (AMI), and one that its firmware UEFI starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor.base import DirectBoot, Hardware, HypervisorDriver
from workers.drivers.storage.base import CachedImage, ImageSource, StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.usefixtures("clean_host")]
START = 2048 * 512


def run(*argv: str | Path) -> None:
    subprocess.run([str(part) for part in argv], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def parts(guest_image: Path, tmp_path: Path) -> dict[str, Path]:
    """Kernel, ramdisk and root file system of the image `tiny`, apart."""
    raw = tmp_path / "raw"
    run("qemu-img", "convert", "-O", "raw", guest_image, raw)
    files = {"vmlinuz": tmp_path / "vmlinuz", "initramfs.img": tmp_path / "initramfs.img"}
    for name, path in files.items():
        run("mcopy", "-i", f"{raw}@@{START}", f"::{name}", path)
    with raw.open("rb") as disk:
        disk.seek(446 + 16 + 8)  # the second partition's first sector
        disk.seek(int.from_bytes(disk.read(4), "little") * 512)
        files["root"] = tmp_path / "root"
        files["root"].write_bytes(disk.read())
    return files


def cache(storage: StorageDriver, path: Path) -> CachedImage:
    return storage.cache_image(samples.image_of(path.read_bytes(), disk_format="raw"), ImageSource(path.as_uri()))


def test_kernel_ramdisk_and_file_system(
    hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path, parts: dict[str, Path]
) -> None:
    server_id = samples.new_id()
    kernel = storage.create_boot_file(server_id, "root-kernel", cache(storage, parts["vmlinuz"]))
    ramdisk = storage.create_boot_file(server_id, "root-ramdisk", cache(storage, parts["initramfs.img"]))
    root = storage.create_root(server_id, cache(storage, parts["root"]), 1)
    spec = samples.server(
        state_directory,
        id=server_id,
        disks=(samples.disk(root, "vda", boot_index=1),),
        ram_mib=128,
        direct_boot=DirectBoot(kernel, ramdisk, "root=/dev/vda console=tty0 console=ttyS0 quiet asked=yes"),
    )
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"login:" in hypervisor.console_output(server_id), 180)
        assert b"SYSLINUX" not in hypervisor.console_output(server_id)
        hypervisor.hard_reboot(spec)
        eventually(lambda: hypervisor.console_output(server_id).count(b"login:") >= 2, 180)
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)


def test_a_guest_that_uefi_starts(
    hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path, parts: dict[str, Path], tmp_path: Path
) -> None:
    """OVMF's shell reads a script on the EFI system partition, which starts the kernel there: unsigned, as it is."""
    if "COMPUTE_FIRMWARE_UEFI" not in hypervisor.facts().traits:
        pytest.skip("this host has no OVMF")
    server_id, disk, script = samples.new_id(), tmp_path / "esp", tmp_path / "startup.nsh"
    script.write_bytes(b"vmlinuz initrd=initramfs.img console=ttyS0 quiet\r\n")
    run("mkfs.vfat", "-C", "-n", "ESP", disk, "65536")
    for name, path in (("vmlinuz", parts["vmlinuz"]), ("initramfs.img", parts["initramfs.img"])):
        run("mcopy", "-i", disk, path, f"::{name}")
    run("mcopy", "-i", disk, script, "::startup.nsh")
    esp = storage.create_root(server_id, cache(storage, disk), 1)
    other = samples.new_id()  # a server has one root disk
    root = storage.create_root(other, cache(storage, parts["root"]), 1)
    spec = samples.server(
        state_directory,
        id=server_id,
        disks=(samples.disk(esp, "vda", boot_index=1), samples.disk(root, "vdb")),
        ram_mib=256,
        hardware=Hardware(firmware="uefi"),
    )
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"login:" in hypervisor.console_output(server_id), 240)
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        for key in (server_id, other):
            storage.remove_server(key)
