"""Maps the hardware properties of image and flavor to the hypervisor's values. Values were checked at the API."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from apps.compute import admin_passwords, cpu_topologies, image_properties, machine_features, topologies, tpms
from apps.scheduling.services import topologies as claims
from apps.scheduling.topologies import GuestTopology
from workers.drivers.errors import AbortError
from workers.drivers.hypervisor.base import Bus, CardModel, CellPlacement, DiskSpec, Hardware, Placement, TpmSpec
from workers.drivers.hypervisor.errors import MigrationImpossible

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server

_MAX_QUEUES = 8
SOUND = ("sb16", "es1370", "ac97", "ich6", "ich9", "usb")


def of_server(server: "Server", disks: Sequence[DiskSpec]) -> Hardware:
    """Return the machine around disks and cards. Older images may have invalid values, which are ignored.

    What the flavor says wins over the image.
    """
    asked, specs = server.image_properties, server.flavor.get("extra_specs", {})
    machine = image_properties.machine(asked)
    if any(disk.bus == "ide" for disk in disks) and image_properties.board(asked) != "pc":
        machine = "pc"
    watchdog = specs.get("hw:watchdog_action") or asked.get("hw_watchdog_action")
    secure = (specs.get("os:secure_boot") or asked.get("os_secure_boot")) == "required"
    counters = specs.get("hw:pmu") or asked.get("hw_pmu")
    return Hardware(
        machine=machine or None,
        firmware="uefi" if secure or asked.get("hw_firmware_type") == "uefi" else "bios",
        video=cast(Any, _one_of(asked, "hw_video_model", ("vga", "virtio", "cirrus", "bochs", "none")) or "vga"),
        watchdog=watchdog if watchdog in ("reset", "poweroff", "pause", "none") else None,
        boot_menu=_says(specs.get("hw:boot_menu"), asked.get("hw_boot_menu")),
        guest_agent=image_properties.has_guest_agent(asked),
        local_time=asked.get("os_type") == "windows",
        topology=cpu_topologies.of_existing(specs, asked, int(server.flavor["vcpus"])),
        secure_boot=secure,
        hide_hypervisor=_says(specs.get("hw:hide_hypervisor_id"), asked.get("img_hide_hypervisor_id")),
        performance_counters=image_properties.truth(counters) if counters else None,
        hpet=image_properties.truth(asked.get("hw_time_hpet", "")),
        cpu_shares=_number(specs, "quota:cpu_shares"),
        cpu_quota=_number(specs, "quota:cpu_quota"),
        cpu_period=_number(specs, "quota:cpu_period"),
        rng=not image_properties.refuses(specs.get("hw_rng:allowed")),
        rng_rate=_rng_rate(specs),
        tablet=_tablet(asked),
        keyboard=bool(_one_of(asked, "hw_input_bus", ("usb", "virtio"))),
        sound=_sound(specs.get("hw:sound_model") or asked.get("hw_sound_model")),
        tpm=tpm_of(server),
        **_features(specs, asked),
        **_placed(server),
        locked=topologies.has_locked_memory(specs, asked),
    )


def has_places(server: "Server") -> bool:
    """Whether a server has processors or memory cells of its host."""
    asked = topologies.of_existing(server.flavor, server.image_properties)
    return asked is not None and bool(asked.cells)


def placement_there(server: "Server", moved: "Server") -> Placement | None:
    """Return where a running guest's processors and memory are to be on the host that it moves to; None: it has no such
    places. ``moved``: the server as it is to be there. Raises MigrationImpossible for pages of another size.
    """
    asked, there = topologies.of_existing(server.flavor, server.image_properties), _placed(moved).get("placement")
    if asked is None or there is None:
        return None
    here = claims.known(consumer_id=server.claimed_by or server.id)
    if here is not None and _seen(_placement(asked, here)) != _seen(there):
        raise MigrationImpossible("The host has memory pages of another size for the server.")
    return cast(Placement, there)


def _seen(placed: Placement) -> list[tuple[Any, ...]]:
    """Return what a guest sees of its cells, which does not change while it runs."""
    return [(cell.memory_mib, cell.page_kib, [vcpu for vcpu, _ in cell.cpus]) for cell in placed.cells]


def _features(specs: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    features = machine_features.of_existing(specs, asked)
    return {
        "packed_rings": features.packed_rings,
        "iommu": features.iommu or None,
        "address": features.address,
        "video_mib": features.video_mib,
    }


def _placed(server: "Server") -> dict[str, Any]:
    """Return what its claim says that it has of its host: a query for servers that ask for it. Raises AbortError."""
    asked = topologies.of_existing(server.flavor, server.image_properties)
    if asked is None:
        return {}
    topology = claims.place_restored(consumer_id=server.claimed_by or server.id, guest=asked)
    if topology is None:
        raise AbortError("The server has no claim of processors, memory or devices on its host.", code="claim_lost")
    devices = tuple(topology.get("devices", ()))
    return {"placement": _placement(asked, topology) if asked.cells else None, "devices": devices}


def _placement(asked: GuestTopology, topology: Mapping[str, Any]) -> Placement:
    cells, pinned = [], set()
    for cell in topology["cells"]:
        pins = {int(vcpu): (int(cpu),) for vcpu, cpu in cell["pins"].items()}
        pinned |= {cpu for cpus in pins.values() for cpu in cpus} | (set(cell["on"]) if cell["floating"] else set())
        cpus = sorted({**pins, **{vcpu: tuple(cell["on"]) for vcpu in cell["floating"]}}.items())
        cells.append(CellPlacement(int(cell["host"]), tuple(cpus), int(cell["memory"]), int(cell["page"])))
    busy = {cpu for cell in cells for vcpu, cpus in cell.cpus if vcpu in asked.realtime for cpu in cpus}
    emulator = tuple(topology["emulator"]) or tuple(sorted(pinned - busy))
    return Placement(tuple(cells), emulator, tuple(sorted(asked.realtime)))


def _tablet(asked: Mapping[str, Any]) -> Any:
    """As Nova: a tablet on the bus that the image names, or on USB for one that names the tablet alone."""
    return _one_of(asked, "hw_input_bus", ("usb", "virtio")) or (
        "usb" if asked.get("hw_pointer_model") == "usbtablet" else None
    )


def _sound(model: Any) -> Any:
    return model if model in SOUND else None


def tpm_of(server: "Server") -> TpmSpec | None:
    """Return the server's TPM.

    Raises AbortError where the secret of its state cannot be read any more: a new one would lose what is in it.
    """
    asked = tpms.of_existing(server.flavor.get("extra_specs") or {}, server.image_properties)
    if asked is None:
        return None
    secret = admin_passwords.unseal(server.tpm_secret)
    if not secret:
        raise AbortError("The secret of the server's TPM cannot be read.", code="tpm_secret_lost")
    return TpmSpec(cast(Any, asked.version), cast(Any, asked.model), secret)


def limits_of(server: "Server") -> tuple[tuple[str, int], ...]:
    """Return the flavor's limits of each local disk, by libvirt's names. A total excludes its parts there."""
    specs = server.flavor.get("extra_specs", {})
    names = [f"{way}_{unit}_sec" for unit in ("bytes", "iops") for way in ("total", "read", "write")]
    limits = {name: value for name in names if (value := _number(specs, f"quota:disk_{name}"))}
    for unit in ("bytes", "iops"):
        if f"total_{unit}_sec" in limits:
            limits.pop(f"read_{unit}_sec", None)
            limits.pop(f"write_{unit}_sec", None)
    return tuple(sorted(limits.items()))


def _says(flavor: Any, image: Any) -> bool:
    return image_properties.truth(flavor if flavor not in (None, "") else image or "")


def _number(specs: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number of a flavor's; None for others, which flavors from before 2.86 may have."""
    text = str(specs.get(name, "")).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _rng_rate(specs: Mapping[str, Any]) -> tuple[int, int] | None:
    rate = _number(specs, "hw_rng:rate_bytes")
    return (rate, _number(specs, "hw_rng:rate_period") or 1000) if rate else None


def bus_of(server: "Server", device: "BlockDevice | None" = None) -> Bus:
    """Return the bus of a disk, or of the server's disks in general."""
    bus = getattr(device, "bus", "") or image_properties.disk_bus(server.image_properties)
    return cast(Bus, bus if bus in ("virtio", "scsi", "sata", "ide") else "virtio")


def card_of(server: "Server") -> CardModel:
    """Return the network cards' model."""
    return cast(
        CardModel,
        _one_of(server.image_properties, "hw_vif_model", ("virtio", "e1000", "e1000e", "rtl8139")) or "virtio",
    )


def queues_of(server: "Server") -> int:
    """Return the pairs of queues of a card: one for each processor where the image asks for several."""
    specs = server.flavor.get("extra_specs", {})
    wanted = _says(specs.get("hw:vif_multiqueue_enabled"), server.image_properties.get("hw_vif_multiqueue_enabled"))
    return min(int(server.flavor["vcpus"]), _MAX_QUEUES) if wanted and card_of(server) == "virtio" else 1


def _one_of(asked: Any, name: str, known: tuple[str, ...]) -> str:
    value = asked.get(name, "")
    return str(value) if value in known else ""
