"""The volume contract stays small: what each driver answers, and optional parts that capabilities name."""

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

from workers.drivers.volume import loader
from workers.drivers.volume.base import Capabilities, VolumeDriver
from workers.drivers.volume.contents import Contents

ROOT = Path(__file__).resolve().parent.parent.parent
METHODS, OF_A_PART = 20, 5
PARTS = [part for part in VolumeDriver.__mro__ if "named" in vars(part)]


def methods(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("_")]


def test_the_limits() -> None:
    assert len(methods(VolumeDriver)) <= METHODS and len(PARTS) == 4
    assert all(len(methods(part)) <= OF_A_PART for part in PARTS)
    assert {getattr(part, "named") for part in PARTS} <= {field.name for field in dataclasses.fields(Capabilities)}  # noqa: B009
    without = [name for cls in (VolumeDriver, *PARTS) for name in methods(cls) if not getattr(cls, name).__doc__]
    assert not without, "each says what success is, and what a failure leaves"


@pytest.mark.parametrize("name", ["ceph", "local"])
def test_capabilities_name_the_parts_of_each_driver(name: str) -> None:
    """A driver has methods of a part if and only if it says that it has the part."""
    module, _, known = loader.KNOWN[name].partition(":")
    driver = getattr(importlib.import_module(module), known)
    for part in PARTS:
        own = [method for method in methods(part) if getattr(driver, method) is not getattr(part, method)]
        has = getattr(driver.capabilities, part.named)
        assert bool(own) is (has and part is not Contents), (part, own)


def test_what_is_unmanaged_has_one_name() -> None:
    """Applications, drivers, and the process that speaks to Ceph cannot import one another: one constant in each."""
    texts = ((path, path.read_text()) for room in ("apps", "workers") for path in (ROOT / room).rglob("*.py"))
    named = {str(path.relative_to(ROOT)): text for path, text in texts if re.search(r'"unmanaged-["{]', text)}
    assert set(named) == {
        "apps/volumes/services/managing.py",
        "workers/drivers/volume/specs.py",
        "workers/system/ceph/service/unmanaged.py",
    }
    assert all(len(re.findall('"unmanaged-"', text)) == 1 for text in named.values())
