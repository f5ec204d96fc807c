"""Reads the lists of Debian packages that deploy/bootstrap.sh installs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _names(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def sections() -> dict[str, list[str]]:
    """Return the packages by section: build, services, hypervisor, test, and guest (from its own list)."""
    found: dict[str, list[str]] = {}
    for entry in _names((ROOT / "packages.txt").read_text()):
        if entry.startswith("["):
            found[entry.strip("[]")] = []
        else:
            found[next(reversed(found))].append(entry)
    guest = ROOT / "guest_images" / "packages.txt"
    found["guest"] = _names(guest.read_text()) if guest.exists() else []
    return found
