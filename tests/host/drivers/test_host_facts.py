"""What a host says of itself: processor features that a model implies are among its traits."""

import pytest

from workers.drivers.hypervisor.base import HypervisorDriver

pytestmark = pytest.mark.libvirt


def test_traits_of_the_emulated_processor(hypervisor: HypervisorDriver) -> None:
    facts = hypervisor.facts()
    if facts.virt_type != "qemu":
        pytest.skip("this machine virtualises")
    found = set(facts.traits)
    implied = {"HW_CPU_X86_SSE", "HW_CPU_X86_SSE2", "HW_CPU_X86_MMX"}
    added = {"HW_CPU_X86_SSSE3", "HW_CPU_X86_SSE41", "HW_CPU_X86_SSE42", "HW_CPU_X86_AESNI"}
    assert implied | added | {"CUSTOM_VIRT_TYPE_QEMU", "COMPUTE_IMAGE_TYPE_QCOW2"} <= found
    assert "HW_CPU_X86_SVM" not in found, "guests get none"
