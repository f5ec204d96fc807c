"""How a driver is found by name: a family's short names, or a dotted path to a class."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

from workers.drivers.errors import AbortError

D = TypeVar("D")


class DriverNotFound(AbortError):
    """The configuration names a driver that does not exist, or that is of another family."""

    default_code = "driver_not_found"


def load_driver(family: type[D], known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> D:
    """Make the driver `name` (a key of `known`, or `package.module:Class`) with `options` as its only argument.

    Only the named driver's module is imported. Raises DriverNotFound, and whatever the class raises.
    """
    target = known.get(name, name)
    module_name, _, class_name = target.replace(":", ".").rpartition(".")
    try:
        driver_class = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DriverNotFound(f"no driver is called {name!r}", details=str(error)) from error
    if not (isinstance(driver_class, type) and issubclass(driver_class, family)):
        raise DriverNotFound(f"{name!r} is not a {family.__name__}")
    driver: D = driver_class(options)  # type: ignore[call-arg]
    return driver
