"""Talking to the front byte by byte, and the uploads of images that its tests make."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cloud import Cloud


@contextmanager
def connections(cloud: Cloud, texts: list[str], *, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Hold connections from one address open that have sent so much and no more."""
    host, _, port = cloud.environment["CELERITY_LISTEN"].rpartition(":")
    with ExitStack() as stack:
        opened = []
        for text in texts:
            made = stack.enter_context(socket.create_connection((host, int(port)), 30, (source, 0)))
            made.sendall(text.encode())
            opened.append(made)
        yield opened


def raw(cloud: Cloud, text: str, *, timeout: float = 30) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; return status, headers in lower case and the body of the answer."""
    with connections(cloud, [text]) as (made,):
        made.settimeout(timeout)
        data = b""
        while b"\r\n\r\n" not in data:
            piece = made.recv(65536)
            assert piece, f"closed after {data!r}"
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            body += made.recv(65536)
        return int(lines[0].split()[1]), headers, body


def new_image(cloud: Cloud) -> str:
    values = {"name": "big", "disk_format": "raw", "container_format": "bare"}
    return str(cloud.call("POST", "/image/v2/images", values).json()["id"])


def put_head(cloud: Cloud, image: str, *, token: str | None = None, length: int = 10**9) -> str:
    return (
        f"PUT /image/v2/images/{image}/file HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {token or cloud.token}\r\n"
        f"Accept: application/json\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )


def status_of(cloud: Cloud, image: str) -> str:
    return str(cloud.call("GET", f"/image/v2/images/{image}").json()["status"])


def remains(cloud: Cloud) -> list[Path]:
    """Return the files of uploads under way, the front's and the API's."""
    return [*(cloud.state / "front" / "body").rglob("*.*"), *(cloud.state / "images" / "staging").glob("*")]
