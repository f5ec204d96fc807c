"""The way to the API: connections that are kept, questions that are signed."""

import http.client
import json
import ssl
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from apps.metadata import signatures

ANSWER_BYTES = 64 * 1024 * 1024


class Api:
    """Threads share it; each has its own connection."""

    def __init__(self, url: str, secret: str, timeout_s: float) -> None:
        """Read the URL. Nothing is opened."""
        self._url, self._secret, self._timeout_s = urlsplit(url), secret, timeout_s
        self._local = threading.local()

    def ask(self, path: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send a document and return status and answer. Raises OSError, ValueError."""
        path = self._url.path.rstrip("/") + path
        body = json.dumps(document).encode()
        signature = signatures.sign(self._secret, path=path, body=body, now=int(time.time()))
        headers = {"Content-Type": "application/json", signatures.HEADER: signature}
        status, content = self._send(path, body, headers)
        return status, json.loads(content) if content and status == 200 else {}

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        connection = kept or self._connect()
        try:
            connection.request("POST", path, body=body, headers=headers)
            response = connection.getresponse()
            content = response.read(ANSWER_BYTES + 1)
        except (http.client.HTTPException, OSError) as error:
            self._local.connection = None
            with suppress(OSError):
                connection.close()
            if kept is not None and not isinstance(error, TimeoutError):
                return self._send(path, body, headers)  # the server closed it while nobody asked
            raise OSError(f"{type(error).__name__}: {error}") from error
        if len(content) > ANSWER_BYTES:
            raise ValueError("the API's answer is too long")
        return response.status, content

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "127.0.0.1", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout_s, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        self._local.connection = connection
        return connection
