"""Each known image property is applied, required of hosts, refused with a message, or documented as ignored."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from apps.compute import image_properties
from apps.compute.exceptions import ImageUnusable
from apps.compute.image_properties import check
from apps.compute.image_property_table import PROPERTIES

DOCS = Path(__file__).parents[3] / "docs" / "images.md"

# Fields of Nova's ImageMetaProps, and what Glance's "Useful image properties" adds.
_NAMES = """
hw_architecture hw_auto_disk_config hw_boot_menu hw_cdrom_bus hw_cpu_cores hw_cpu_max_cores hw_cpu_max_sockets
hw_cpu_max_threads hw_cpu_policy hw_cpu_sockets hw_cpu_thread_policy hw_cpu_threads hw_device_id hw_disk_bus
hw_disk_type hw_emulator_threads_policy hw_ephemeral_encryption hw_ephemeral_encryption_format
hw_ephemeral_encryption_secret_uuid hw_firmware_stateless hw_firmware_type hw_floppy_bus hw_input_bus hw_ipxe_boot
hw_locked_memory hw_machine_type hw_maxphysaddr_bits hw_maxphysaddr_mode hw_mem_encryption hw_mem_encryption_model
hw_mem_page_size hw_numa_cpus.0 hw_numa_mem.1 hw_numa_nodes hw_pci_numa_affinity_policy hw_pmu hw_pointer_model
hw_qemu_guest_agent hw_redirected_usb_ports hw_rescue_bus hw_rescue_device hw_rng_model hw_scsi_model
hw_serial_port_count hw_sound_model hw_time_hpet hw_tpm_model hw_tpm_version hw_usb_model hw_video_model hw_video_ram
hw_vif_model hw_vif_multiqueue_enabled hw_viommu_model hw_virtio_packed_ring hw_vm_mode hw_watchdog_action img_bdm_v2
img_bittorrent img_block_device_mapping img_cache_in_nova img_compression_level img_config_drive
img_hide_hypervisor_id img_hv_requested_version img_hv_type img_linked_clone img_mappings img_owner_id
img_root_device_name img_use_agent img_version os_admin_user os_command_line os_distro os_require_quiesce
os_secure_boot os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh os_type os_version kernel_id ramdisk_id
"""
KNOWN = _NAMES.split()


def test_no_known_property_is_passed_over() -> None:
    assert [name for name in KNOWN if image_properties.of(name) is None] == []


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_accepts_refuses_and_is_documented(name: str) -> None:
    known = PROPERTIES[name]
    numbers = {"1-": "3", "0-": "3"}
    for value in known.offered:
        check({name: numbers.get(value, value)})
    for value in set(known.values) - set(known.offered):
        with pytest.raises(ImageUnusable, match=f"{name}="):
            check({name: numbers.get(value, value if value != "*" else "something")})
    if "*" not in known.values:
        with pytest.raises(ImageUnusable, match=f"{name}=nonsense is not valid"):
            check({name: "nonsense"})
    assert f"| `{name}` |" in DOCS.read_text()


def test_what_nobody_knows_is_the_owners() -> None:
    check({"my_own": "x", "hw_of_mine": "y", "hw_disk_bus": "", "kernel_id": "None"})


@pytest.mark.parametrize(
    ("asked", "board"),
    [("pc-i440fx-6.2", "pc"), ("pc-q35-7.2", "q35"), ("pc", "pc"), ("q35", "q35"), ("", ""), ("virt", "")],
)
def test_boards(asked: str, board: str) -> None:
    properties = {"hw_machine_type": asked, "hw_disk_bus": "ide"}
    assert image_properties.board(properties) == board
    with pytest.raises(ImageUnusable) if board == "q35" or asked == "virt" else nullcontext():
        check(properties)


@pytest.mark.parametrize("properties", [{"hw_disk_bus": "ide", "hw_machine_type": "q35"}, {"hw_cpu_cores": "0"}])
def test_what_does_not_go_together(properties: dict[str, str]) -> None:
    with pytest.raises(ImageUnusable):
        check(properties)
