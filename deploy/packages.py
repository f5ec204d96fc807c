"""Reads the lists of Debian packages that deploy/bootstrap.sh installs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _names(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def sections() -> dict[str, list[str]]:
    """Return the packages by section: build, services, hypervisor, ovn, test, and guest (from its own list)."""
    by_section: dict[str, list[str]] = {}
    for entry in _names((ROOT / "packages.txt").read_text()):
        if entry.startswith("["):
            by_section[entry.strip("[]")] = []
        else:
            by_section[next(reversed(by_section))].append(entry)
    guest = ROOT / "guest_images" / "packages.txt"
    by_section["guest"] = _names(guest.read_text()) if guest.exists() else []
    return by_section
