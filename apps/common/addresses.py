"""Where a request comes from."""

import ipaddress
import re
from typing import Any

from django.conf import settings


def of(request: Any) -> str:
    """Return the client's address: the peer's, or the one that a trusted proxy reports.

    Of X-Forwarded-For only what trusted proxies have added counts: the last address that is not one of theirs.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    if peer not in settings.TRUSTED_PROXIES:
        return peer
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address: str = hop.strip()[:64]
        if address and address not in settings.TRUSTED_PROXIES:
            return address
    return peer


_BEGINNING = re.compile(r"\d{1,3}\.(\d{1,3}\.?){0,2}(\d{1,3})?|[0-9a-fA-F]{1,4}:[0-9a-fA-F:]*")


def is_beginning(text: str) -> bool:
    """Return whether ``text`` may be the beginning of an IP address: "10.64.", "10.64.1", "fd00:"."""
    return len(text) <= 39 and _BEGINNING.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Return whether ``text`` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
