"""Heads of requests: read as they are delimited, refused early, and no header says who asks."""

import pytest

from workers.host.metadata import requests
from workers.host.metadata.requests import Refused, Request


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join((line, *headers, "", "")).encode("latin-1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (head("GET / HTTP/1.1"), Request("GET", "/")),
        (head("GET /a%2Fb?c=d HTTP/1.1", "Host: x"), Request("GET", "/a/b")),
        (head("GET http://169.254.169.254/latest HTTP/1.1"), Request("GET", "/latest")),
        (head("HEAD / HTTP/1.0"), Request("HEAD", "/", keeps_alive=False)),
        (head("GET / HTTP/1.0", "Connection: Keep-Alive"), Request("GET", "/")),
        (head("GET / HTTP/1.1", "connection: close"), Request("GET", "/", keeps_alive=False)),
        (head("POST /p HTTP/1.1", "Content-Length: 12"), Request("POST", "/p", length=12)),
        (head("GET /a?u=http://x/y HTTP/1.1"), Request("GET", "/a")),
        (
            head("POST /p HTTP/1.1", "Content-Length: 12", "Expect: 100-continue"),
            Request("POST", "/p", length=12, expects_word=True),
        ),
        (head("GET / HTTP/1.1", "X-Forwarded-For: 10.0.0.9", "X-Instance-ID: i"), Request("GET", "/")),
    ],
)
def test_requests(given: bytes, expected: Request) -> None:
    assert requests.parse(given) == expected


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (head("GET /"), 400),
        (head("GET / HTTP/2"), 400),
        (head("GET  / HTTP/1.1"), 400),
        (head("GET latest HTTP/1.1"), 400),
        (head("GET /" + "a" * 2048 + " HTTP/1.1"), 414),
        (head("GET / HTTP/1.1", *["A: b"] * 65), 431),
        (head("GET / HTTP/1.1", "no colon"), 400),
        (head("GET / HTTP/1.1", " folded: x"), 400),
        (head("GET / HTTP/1.1", "Name : x"), 400),
        (head("POST / HTTP/1.1", "Transfer-Encoding: chunked"), 411),
        (head("POST / HTTP/1.1", "Content-Length: 1", "content-length: 2"), 400),
        (head("POST / HTTP/1.1", "Content-Length: -1"), 400),
        (head("POST / HTTP/1.1", "Content-Length: 1e3"), 400),
        (head("POST / HTTP/1.1", "Content-Length: ²"), 400),
        (head("POST / HTTP/1.1", "Content-Length: 4097"), 413),
        (head("POST / HTTP/1.1", "Content-Length: " + "9" * 5000), 413),
    ],
)
def test_refusals(given: bytes, status: int) -> None:
    with pytest.raises(Refused) as caught:
        requests.parse(given)
    assert caught.value.status == status
