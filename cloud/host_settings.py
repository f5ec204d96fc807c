"""Settings of hosts that are more than a word: a part of cloud/settings.py."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_MODEL = r"[0-9a-f]{4}:[0-9a-f]{4}"
_CPU_MODES = ("host-model", "host-passthrough", "maximum", "custom")
_CPU_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ADDRESS = r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"


def live_migration(env: Any) -> dict[str, Any]:
    """Return how guests are moved while they run."""
    return {
        "downtime_ms": env.int("CELERITY_LIVE_MIGRATION_DOWNTIME", default=300),  # the guest's pause that is aimed at
        "bandwidth_mib": env.int("CELERITY_LIVE_MIGRATION_BANDWIDTH", default=0),  # MiB/s; 0: no limit
        "auto_converge": env.bool("CELERITY_LIVE_MIGRATION_AUTO_CONVERGE", default=True),
    }


def processor(env: Any) -> dict[str, Any]:
    """Return the processor of this host's guests, as far as it is not left to the host. Raises ImproperlyConfigured."""
    mode, model = env.str("CELERITY_CPU_MODE", default=""), env.str("CELERITY_CPU_MODEL", default="")
    features = tuple(text.strip().removeprefix("+") for text in env.list("CELERITY_CPU_FEATURES", default=[]))
    if mode not in ("", *_CPU_MODES):
        raise ImproperlyConfigured(f"CELERITY_CPU_MODE is {mode!r}; it must be one of {', '.join(_CPU_MODES)}.")
    if bool(model) != (mode == "custom") and (mode or not model):
        raise ImproperlyConfigured("CELERITY_CPU_MODE=custom and CELERITY_CPU_MODEL go together.")
    for text in (*([model] if model else ()), *(feature.removeprefix("-") for feature in features)):
        if not re.fullmatch(_CPU_NAME, text):
            raise ImproperlyConfigured(f"CELERITY_CPU_MODEL, CELERITY_CPU_FEATURES: {text!r} is no name of libvirt's.")
    chosen = {"cpu_mode": "custom" if model else mode, "cpu_model": model, "cpu_features": features}
    return {name: value for name, value in chosen.items() if value}


def pci_aliases(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the models (``vendor:product``) behind each alias of flavors. Raises ImproperlyConfigured."""
    aliases: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, model = text.strip().rpartition("=")
        if not re.fullmatch(r"[^:,=\s]{1,255}", name) or not re.fullmatch(_MODEL, model.lower()):
            raise ImproperlyConfigured(f"CELERITY_PCI_ALIASES: {text!r} is not name=vendor:product, as gpu=10de:1eb8.")
        aliases[name] = (*aliases.get(name, ()), model.lower())
    return aliases


def pci_devices(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses and the models of a host's devices that servers may have. Raises ImproperlyConfigured."""
    devices = tuple(text.strip().lower() for text in texts)
    for text in devices:
        if not re.fullmatch(f"{_MODEL}|{_ADDRESS}", text):
            raise ImproperlyConfigured(
                f"CELERITY_PCI_DEVICES: {text!r} is neither vendor:product, as 10de:1eb8, nor an address, as "
                "0000:3b:00.0."
            )
    return devices
