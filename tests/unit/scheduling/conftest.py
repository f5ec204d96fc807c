"""Clouds of rows."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.scheduling.models import Host, Inventory

MakeHosts = Callable[..., list[Host]]


@pytest.fixture
def make_hosts() -> MakeHosts:
    """Return a function that writes hosts h0, h1 …; ``room``: how many servers of 1 vCPU, 512 MiB, 1 GiB each takes."""

    def make(count: int, *, room: int = 10, first: int = 0, **values: Any) -> list[Host]:
        names = range(first, first + count)
        defaults = {"hypervisor_type": "QEMU", "virt_type": "kvm", "hypervisor_version": 7002000}
        hosts = Host.objects.bulk_create(
            Host(name=f"h{index}", number=index + 1, **{**defaults, **values}) for index in names
        )
        Inventory.objects.bulk_create(
            Inventory(host=host, vcpus=room, vcpus_ratio=1.0, ram_mib=room * 512, disk_gib=room) for host in hosts
        )
        return hosts

    return make
