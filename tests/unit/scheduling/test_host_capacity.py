"""``manage.py host_capacity``: ratios and reserves of a host that is there."""

import io

import pytest
from django.core.management import CommandError, call_command

from apps.scheduling.models import Host, Inventory

pytestmark = pytest.mark.django_db


@pytest.fixture
def inventory() -> Inventory:
    host = Host.objects.create(name="h1", number=1, hypervisor_type="QEMU")
    return Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100, ram_used=1024)


def told(*options: str) -> str:
    out = io.StringIO()
    call_command("host_capacity", "h1", *options, stdout=out)
    return out.getvalue()


def test_shown(inventory: Inventory) -> None:
    assert "1024 of 8192 MiB RAM used: (8192 - 0 reserved) x 1" in told()


def test_changed(inventory: Inventory) -> None:
    text = told("--cpu-ratio", "8", "--reserved-ram", "4096", "--ram-ratio", "1.5")
    assert "0 of 64 vCPU used" in text
    assert "1024 of 6144 MiB RAM used: (8192 - 4096 reserved) x 1.5" in text
    inventory.refresh_from_db()
    assert (inventory.vcpus_ratio, inventory.ram_reserved, inventory.disk_ratio) == (8.0, 4096, 1.0)


@pytest.mark.parametrize(
    "option", ["--cpu-ratio=0", "--cpu-ratio=nan", "--ram-ratio=1001", "--reserved-ram=8193", "--reserved-disk=-1"]
)
def test_out_of_range(inventory: Inventory, option: str) -> None:
    with pytest.raises(CommandError, match="out of range"):
        told(option)
    before = inventory.ram_reserved
    inventory.refresh_from_db()
    assert inventory.ram_reserved == before


def test_no_such_host(db: None) -> None:
    with pytest.raises(CommandError, match="h1"):
        told()
