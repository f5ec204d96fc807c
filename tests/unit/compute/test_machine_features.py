"""Packed rings, IOMMUs, sizes of addresses and graphics memory, as flavor and image ask for them."""

from typing import Any

import pytest

from apps.compute import machine_features
from apps.compute.exceptions import HardwareInvalid
from apps.compute.machine_features import MachineFeatures

NONE = MachineFeatures()


@pytest.mark.parametrize(
    ("specs", "properties", "found"),
    [
        ({}, {}, NONE),
        ({"hw:virtio_packed_ring": "True"}, {}, MachineFeatures(packed_rings=True)),
        ({}, {"hw_virtio_packed_ring": "no", "hw_viommu_model": "auto"}, MachineFeatures(iommu="virtio")),
        ({"hw:viommu_model": "intel"}, {"hw_viommu_model": "virtio"}, MachineFeatures(iommu="intel")),
        ({"hw:viommu_model": "smmuv3"}, {"hw_machine_type": "pc"}, NONE),
        ({"hw:maxphysaddr_mode": "passthrough"}, {}, MachineFeatures(address=("passthrough", 0))),
        ({"hw:maxphysaddr_bits": "42"}, {"hw_maxphysaddr_mode": "emulate"}, MachineFeatures(address=("emulate", 42))),
        ({"hw:maxphysaddr_bits": "42", "hw_video:ram_max_mb": "64"}, {}, NONE),
        ({"hw_video:ram_max_mb": "64"}, {"hw_video_ram": "64"}, MachineFeatures(video_mib=64)),
        ({"hw:viommu_model": "intel"}, {"hw_machine_type": "pc"}, "vIOMMU is not supported by Current machine type pc"),
        ({"hw:viommu_model": "auto"}, {"hw_disk_bus": "ide"}, "vIOMMU is not supported"),
        ({"hw:maxphysaddr_mode": "emulate"}, {}, "from 32 to 64"),
        ({"hw:maxphysaddr_mode": "emulate", "hw:maxphysaddr_bits": "99"}, {}, "from 32 to 64"),
        ({"hw_video:ram_max_mb": "63"}, {"hw_video_ram": "64"}, "video memory 64 is higher .* by flavor 63"),
        ({}, {"hw_video_ram": "1"}, "video memory 1 is higher .* by flavor 0"),
    ],
)  # fmt: skip
def test_features(specs: dict[str, str], properties: dict[str, str], found: Any) -> None:
    if isinstance(found, MachineFeatures):
        assert machine_features.of(specs, properties) == found
        return
    with pytest.raises(HardwareInvalid, match=found):
        machine_features.of(specs, properties)
    assert machine_features.of_existing(specs, properties) == NONE
