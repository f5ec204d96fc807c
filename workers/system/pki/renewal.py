"""Renewal on the machine that has the authority: request, signature and installation are one step there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from workers.system.pki import DIRECTORY
from workers.system.pki.authority import Authority
from workers.system.pki.host import HostCertificate

AUTHORITY = "authority"  # its directory in the state


def authority_of(state: Path) -> Authority:
    """Return the authority of a state directory."""
    return Authority(state / AUTHORITY)


def host_of(state: Path) -> HostCertificate:
    """Return the certificate of the host that a state directory belongs to."""
    return HostCertificate(state / DIRECTORY)


def renew(state: Path, host: str, now: datetime | None = None) -> bool:
    """Give this machine a new certificate if it needs one; say whether it got one. Raises NoAuthority, elsewhere."""
    mine, authority = host_of(state), authority_of(state)
    if not mine.is_due(now):
        return False
    mine.install(authority.sign(mine.request(host), host, now), authority.certificate())
    return True
