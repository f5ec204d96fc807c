"""The head of a guest's HTTP request: parsed as little as is needed, and refused early.

Of the headers only those that delimit the request are read. Who asks is never in them: X-Forwarded-For, X-Instance-ID
and whatever else a guest sends have no meaning here, and are not passed on.
"""

from dataclasses import dataclass
from urllib.parse import unquote

HEAD_BYTES = 8192
LINE_BYTES = 2048
HEADERS = 64
BODY_BYTES = 4096
METHODS = ("GET", "HEAD", "POST")


class Refused(Exception):
    """The request gets this status, and its connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is decoded, without a query. ``length`` is that of the body, in bytes."""

    method: str
    path: str
    length: int = 0
    keeps_alive: bool = True
    expects_word: bool = False


def parse(head: bytes) -> Request:
    """Return a request from its head, the empty line included. Raises Refused."""
    line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    if len(line) > LINE_BYTES:
        raise Refused(414)
    if len(lines) > HEADERS:
        raise Refused(431)
    words = line.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise Refused(400)
    method, target, version = words
    headers = _headers(lines)
    if "transfer-encoding" in headers:
        raise Refused(411)
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=_path(target),
        length=_length(headers.get("content-length", "0")),
        keeps_alive="keep-alive" in connection if version == "HTTP/1.0" else "close" not in connection,
        expects_word=headers.get("expect", "").lower() == "100-continue",
    )


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Refused(400)
        name = name.lower()
        if name == "content-length" and name in headers:  # which of two would delimit the body?
            raise Refused(400)
        headers[name] = value.strip()
    return headers


def _length(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refused(400)
    if len(text) > 6 or int(text) > BODY_BYTES:
        raise Refused(413)
    return int(text)


def _path(target: str) -> str:
    """Return the decoded path of a target, which may be a whole URL."""
    target = target.partition("?")[0]
    if target.lower().startswith(("http://", "https://")):
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    if not target.startswith("/"):
        raise Refused(400)
    return unquote(target)
