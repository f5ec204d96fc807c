"""The volume contract stays small: what each driver answers, and optional parts that capabilities name."""

import dataclasses
import importlib
import inspect

import pytest

from workers.drivers.volume import loader
from workers.drivers.volume.base import Capabilities, VolumeDriver
from workers.drivers.volume.contents import Contents

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
