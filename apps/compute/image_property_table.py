"""The properties of images that this cloud knows, with their valid values, those that it offers, and their effects.

Names and values are Nova's (its ImageMetaProps object) and Glance's ("Useful image properties"). The table in
docs/images.md is made from this one.
"""

import re
from dataclasses import dataclass

YES = ("1", "t", "true", "on", "y", "yes")
NO = ("0", "f", "false", "off", "n", "no")
BOOLEAN = YES + NO
ANYTHING = ("*",)
POSITIVE = ("1-",)  # whole numbers from 1 on
WHOLE = ("0-",)
NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """``values`` are the valid ones, ``offered`` those that this cloud offers; ``effect`` describes the property."""

    values: tuple[str, ...]
    offered: tuple[str, ...]
    effect: str


_BUSES = ("virtio", "scsi", "sata", "ide", "usb", "fdc", "xen", "lxc", "uml")
_CARDS = (
    "virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "igb", "netfront", "spapr-vlan", "lan9118", "sriov",
    "vmxnet", "vmxnet3", "VirtualE1000", "VirtualE1000e", "VirtualPCNet32", "VirtualSriovEthernetCard", "VirtualVmxnet",
    "VirtualVmxnet3",
)  # fmt: skip
_SCSI = ("virtio-scsi", "buslogic", "ibmvscsi", "lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi")
_VIDEO = ("vga", "virtio", "cirrus", "bochs", "none", "qxl", "vmvga", "xen", "gop")
_SOUND = ("ac97", "es1370", "ich6", "ich9", "pcspk", "sb16", "usb", "virtio")

_COUNTED = "the processors' topology, where the flavor's number of processors allows it"
_LIMIT = "a limit of that topology, within the flavor's"
_ENCRYPTED = "a host that can encrypt guests' memory; none here can"
_TRAIT = "a host with the trait of that feature"
_STABLE = "the server's own disks then keep their places"
_NONE = "nothing: it tells people and tools about the image"
_XEN = "nothing: it is about Xen's or VMware's agents and stores"

PROPERTIES: dict[str, Property] = {
    # Done
    "hw_disk_bus": Property(_BUSES, _BUSES[:4], "the bus of all disks; ide makes the machine pc"),
    "hw_scsi_model": Property(_SCSI, _SCSI[:1], "the SCSI controller"),
    "hw_vif_model": Property(_CARDS, _CARDS[:4], "the network cards' model"),
    "hw_vif_multiqueue_enabled": Property(BOOLEAN, BOOLEAN, "a pair of queues per processor, up to 8, on virtio cards"),
    "hw_cdrom_bus": Property(
        _BUSES,
        ("scsi", "sata", "ide"),
        "the bus of config drive (scsi; Windows: sata) and disc (sata), on pc both ide; ide makes the machine pc",
    ),
    "hw_video_model": Property(_VIDEO, _VIDEO[:5], "the graphics card"),
    "hw_video_ram": Property(
        POSITIVE, POSITIVE, "the memory of vga and bochs in MiB, up to the flavor's hw_video:ram_max_mb"
    ),
    "hw_machine_type": Property(
        ANYTHING, ("q35", "pc", "pc-q35-*", "pc-i440fx-*"), "the board; of one version where the host's QEMU has that"
    ),
    "hw_firmware_type": Property(("bios", "uefi"), ("bios", "uefi"), "the firmware; uefi where the host has OVMF"),
    "hw_watchdog_action": Property(
        ("none", "pause", "poweroff", "reset", "disabled"),
        ("none", "pause", "poweroff", "reset", "disabled"),
        "a watchdog card (i6300esb), unless disabled; the flavor's hw:watchdog_action wins",
    ),
    "hw_rng_model": Property(("virtio",), ("virtio",), "a source of random numbers, which every server has"),
    "hw_boot_menu": Property(BOOLEAN, BOOLEAN, "three seconds for a key in the firmware"),
    "hw_pointer_model": Property(("ps2mouse", "usbtablet"), ("ps2mouse", "usbtablet"), "usbtablet: a tablet beside it"),
    "hw_input_bus": Property(("usb", "virtio"), ("usb", "virtio"), "a tablet and a keyboard on that bus"),
    "hw_sound_model": Property(_SOUND, ("ac97", "es1370", "ich6", "ich9", "sb16", "usb"), "a sound card"),
    "hw_qemu_guest_agent": Property(
        BOOLEAN, BOOLEAN, "the guest agent's channel: snapshots freeze file systems, and passwords can be changed"
    ),
    "os_type": Property(ANYTHING, ANYTHING, "windows: the clock shows the host's local time"),
    "hw_cpu_sockets": Property(POSITIVE, POSITIVE, _COUNTED),
    "hw_cpu_cores": Property(POSITIVE, POSITIVE, _COUNTED),
    "hw_cpu_threads": Property(POSITIVE, POSITIVE, _COUNTED),
    "hw_cpu_max_sockets": Property(POSITIVE, POSITIVE, _LIMIT),
    "hw_cpu_max_cores": Property(POSITIVE, POSITIVE, _LIMIT),
    "hw_cpu_max_threads": Property(POSITIVE, POSITIVE, _LIMIT),
    "block_device_mapping": Property(ANYTHING, ANYTHING, "JSON, with bdm_v2: disks of the server, as in its request"),
    "bdm_v2": Property(BOOLEAN, BOOLEAN, "with block_device_mapping: the syntax of that"),
    "hw_pmu": Property(BOOLEAN, BOOLEAN, "the processors' performance counters, where the host has KVM"),
    "hw_time_hpet": Property(BOOLEAN, BOOLEAN, "the HPET timer"),
    "img_hide_hypervisor_id": Property(BOOLEAN, BOOLEAN, "KVM's signature is hidden from the guest"),
    "img_config_drive": Property(("mandatory", "optional"), ("mandatory", "optional"), "mandatory: a config drive"),
    "hw_rescue_bus": Property(_BUSES, _BUSES[:5], f"the bus of the disk that the image rescues with; {_STABLE}"),
    "hw_rescue_device": Property(
        ("disk", "cdrom", "floppy"), ("disk", "cdrom"), f"what the image rescues with; {_STABLE}"
    ),
    "kernel_id": Property(ANYTHING, ANYTHING, "an image of format aki or raw: the kernel that the host boots"),
    "ramdisk_id": Property(ANYTHING, ANYTHING, "with kernel_id, an image of format ari or raw: the kernel's ramdisk"),
    "os_command_line": Property(
        ANYTHING, ANYTHING, "with kernel_id: the kernel's arguments; otherwise root= and the consoles"
    ),
    "hw_cpu_policy": Property(
        ("shared", "dedicated", "mixed"),
        ("shared", "dedicated", "mixed"),
        "dedicated: a host's processors for it alone",
    ),
    "hw_cpu_thread_policy": Property(
        ("prefer", "isolate", "require"), ("prefer", "isolate", "require"), "with that: whether they share cores"
    ),
    "hw_locked_memory": Property(BOOLEAN, BOOLEAN, "memory that the host never swaps; with hw:mem_page_size"),
    "hw_numa_nodes": Property(POSITIVE, POSITIVE, "that many NUMA cells, each on a cell of the host"),
    "hw_mem_page_size": Property(
        ANYTHING, ANYTHING, "the size of the memory's pages, where the flavor's hw:mem_page_size is large or any"
    ),
    # Asked of hosts by the scheduler's filters
    "hw_architecture": Property(ANYTHING, ANYTHING, "a host of that architecture"),
    "hw_vm_mode": Property(ANYTHING, ANYTHING, "a host of that way of virtualisation"),
    "img_hv_type": Property(ANYTHING, ANYTHING, "a host with that hypervisor"),
    "img_hv_requested_version": Property(ANYTHING, ANYTHING, "a host with such a version of the hypervisor"),
    "hw_mem_encryption": Property(BOOLEAN, BOOLEAN, _ENCRYPTED),
    "hw_tpm_version": Property(("1.2", "2.0"), ("1.2", "2.0"), f"a TPM that the host emulates, on {_TRAIT}"),
    "hw_tpm_model": Property(
        ("tpm-tis", "tpm-crb"),
        ("tpm-tis", "tpm-crb"),
        "with hw_tpm_version: its interface (tpm-tis); tpm-crb is for 2.0",
    ),
    "hw_virtio_packed_ring": Property(BOOLEAN, BOOLEAN, _TRAIT),
    "hw_viommu_model": Property(
        ("intel", "smmuv3", "virtio", "auto", "none"), ("intel", "smmuv3", "virtio", "auto", "none"), _TRAIT
    ),
    "hw_maxphysaddr_mode": Property(("passthrough", "emulate"), ("passthrough", "emulate"), _TRAIT),
    "hw_maxphysaddr_bits": Property(POSITIVE, POSITIVE, "with hw_maxphysaddr_mode: the number of bits"),
    "os_secure_boot": Property(
        ("required", "disabled", "optional"),
        ("required", "disabled", "optional"),
        f"required: uefi with its maker's keys, on {_TRAIT}",
    ),
    # Refused, but for the values that ask for nothing
    "hw_emulator_threads_policy": Property(("share", "isolate"), ("share",), "where the emulator's threads run"),
    "hw_pci_numa_affinity_policy": Property(
        ("required", "preferred", "legacy", "socket"), ("preferred", "legacy"), "NUMA nodes of devices"
    ),
    "hw_serial_port_count": Property(WHOLE, ("1",), "serial ports; every server has one"),
    "hw_usb_model": Property(ANYTHING, NOTHING, "a USB controller"),
    "hw_redirected_usb_ports": Property(WHOLE, ("0",), "USB devices of the console's viewer"),
    "hw_ipxe_boot": Property(BOOLEAN, NO, "booting from the network"),
    "hw_firmware_stateless": Property(BOOLEAN, NO, "firmware without separate variables"),
    "hw_ephemeral_encryption": Property(BOOLEAN, NO, "encrypted local disks"),
    "hw_ephemeral_encryption_format": Property(("luks", "plain"), NOTHING, "encrypted local disks"),
    "hw_ephemeral_encryption_secret_uuid": Property(ANYTHING, NOTHING, "encrypted local disks"),
    "hw_mem_encryption_model": Property(("amd-sev", "amd-sev-es"), NOTHING, _ENCRYPTED),
    "hw_floppy_bus": Property(_BUSES, NOTHING, "floppy disks"),
    "img_bdm_v2": Property(BOOLEAN, NOTHING, "disks that the image prescribes: bdm_v2"),
    "img_block_device_mapping": Property(ANYTHING, NOTHING, "disks that the image prescribes: block_device_mapping"),
    # Of no effect
    "os_require_quiesce": Property(
        BOOLEAN, BOOLEAN, "snapshots of a running server fail where its agent does not freeze the file systems"
    ),
    "os_admin_user": Property(ANYTHING, ANYTHING, "whose password changePassword sets; root or Administrator without"),
    "os_distro": Property(ANYTHING, ANYTHING, _NONE),
    "os_version": Property(ANYTHING, ANYTHING, _NONE),
    "hw_auto_disk_config": Property(ANYTHING, ANYTHING, _NONE),
    "hw_disk_type": Property(ANYTHING, ANYTHING, _XEN),
    "hw_device_id": Property(ANYTHING, ANYTHING, _XEN),
    "img_bittorrent": Property(ANYTHING, ANYTHING, _XEN),
    "img_cache_in_nova": Property(ANYTHING, ANYTHING, "nothing: every host keeps the images that it booted"),
    "img_compression_level": Property(ANYTHING, ANYTHING, _XEN),
    "img_linked_clone": Property(ANYTHING, ANYTHING, _XEN),
    "img_mappings": Property(ANYTHING, ANYTHING, _NONE),
    "img_owner_id": Property(ANYTHING, ANYTHING, _NONE),
    "img_root_device_name": Property(ANYTHING, ANYTHING, _NONE),
    "img_use_agent": Property(ANYTHING, ANYTHING, _XEN),
    "img_version": Property(ANYTHING, ANYTHING, _NONE),
    "os_skip_agent_inject_files_at_boot": Property(ANYTHING, ANYTHING, _XEN),
    "os_skip_agent_inject_ssh": Property(ANYTHING, ANYTHING, _XEN),
}
# Properties with a number in their names.
NUMBERED = {re.compile(r"hw_numa_(cpus|mem)\.\d+"): Property(ANYTHING, ANYTHING, "a NUMA cell's processors and MiB")}
