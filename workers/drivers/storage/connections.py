"""Requests to the image store: by the standard library, as another one takes 3 MiB of each agent."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

CONNECT_SECONDS = 10.0
Broken = (http.client.HTTPException, OSError)  # what requests and answers raise


def request(
    method: str, url: str, *, headers: Mapping[str, str], read_seconds: float, body: Iterable[bytes] | None = None
) -> http.client.HTTPResponse:
    """Send a request; the answer closes its connection when it is closed. Redirects are not followed. Raises Broken."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
        connection.sock.settimeout(read_seconds)
        with suppress(BrokenPipeError, ConnectionResetError):  # the store has seen enough, and says why
            connection.request(method, target, body, {**headers, "Connection": "close"})
        return connection.getresponse()
    except BaseException:
        connection.close()
        raise
