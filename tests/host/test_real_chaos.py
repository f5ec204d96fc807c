"""The short form of `make chaos ARGS="--real"`: real guests while the agent, libvirtd and QEMU processes are killed."""

import pytest

from tests.chaos import private_libvirt, real

pytestmark = [pytest.mark.libvirt, pytest.mark.processes, pytest.mark.slow]


def test_three_guests_under_fire() -> None:
    if not private_libvirt.is_possible():
        pytest.skip("needs root, libvirtd and virtlogd")
    told = real.run(seed=3, servers=3, strikes=3)
    assert sum(told["states"].values()) == 3
