"""The name servers of this machine, which DHCP tells guests where a subnet names none."""

import contextlib
import ipaddress
from pathlib import Path

_RESOLVERS = Path("/etc/resolv.conf")
_SYSTEMD = Path("/run/systemd/resolve/resolv.conf")


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [words[1] for words in map(str.split, lines) if len(words) > 1 and words[0] == "nameserver"]


def for_guests(*paths: Path) -> list[str]:
    """Return the machine's name servers that others can ask. systemd's own one on loopback hides them in a file."""
    usable = []
    for text in dict.fromkeys(text for path in paths or (_RESOLVERS, _SYSTEMD) for text in _listed(path)):
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(text.partition("%")[0])
            if not address.is_loopback and not address.is_link_local:
                usable.append(str(address))
    return usable
