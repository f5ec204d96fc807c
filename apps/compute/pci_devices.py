"""What flavors ask of PCI devices: `pci_passthrough:alias`, names of models that an operator has chosen."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.compute.exceptions import HardwareInvalid

MAX_DEVICES = 32
_ALIASES = re.compile(r"[^:,]+:[0-9]{1,9}(\s*,\s*[^:,]+:[0-9]{1,9})*")  # as Nova's schema of extra specs


def check(specs: Mapping[str, Any]) -> None:
    """Raise HardwareInvalid (400) for a PCI device by a name that this cloud does not know, for too many, and for what
    is no list of names with numbers.
    """
    text = str(specs.get("pci_passthrough:alias") or "")
    if text and not _ALIASES.fullmatch(text):
        raise HardwareInvalid(f"pci_passthrough:alias is a list of 'name:number', not '{text[:64]}'")
    for name, count in _aliases(specs):
        if name not in settings.PCI_ALIASES:
            raise HardwareInvalid(f"PCI alias {name[:64]} is not defined")
        if count > MAX_DEVICES:
            raise HardwareInvalid(f"At most {MAX_DEVICES} devices of PCI alias {name[:64]} can be requested")


def models_of(specs: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the models that will do for each PCI device; none for a name that was taken out of the settings."""
    asked = [[settings.PCI_ALIASES.get(name, ())] * min(count, MAX_DEVICES) for name, count in _aliases(specs)]
    return tuple(models for same in asked for models in same)


def _aliases(specs: Mapping[str, Any]) -> list[tuple[str, int]]:
    parts = [part.rpartition(":") for part in str(specs.get("pci_passthrough:alias") or "").split(",") if part.strip()]
    return [(name.strip(), int(count) if count.strip().isdecimal() else 1) for name, _, count in parts]
