"""The front: slow, silent or large clients delay nobody, and its own errors have the services' formats."""

import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import requests

from deploy.front import uploads
from tests.cloud import Cloud, wait_for
from tests.pipelines.dialogue import connections, new_image, put_head, raw, remains, status_of

pytestmark = [pytest.mark.processes]

TOKENS = "/identity/v3/auth/tokens"
JSON_BODY = (
    f"POST {TOKENS} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
)
IDLE = ("", "GET /compute/v2.1/servers HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth", JSON_BODY)
ANSWER_SECONDS = 2.0


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Cloud:
    """The cloud as it is: no test here makes a server."""
    return shared_cloud


def test_idle_connections_and_slow_uploads_hold_nobody_up(cloud: Cloud) -> None:
    images = [new_image(cloud) for _ in range(uploads.OF_PROJECT)]
    with connections(cloud, [IDLE[index % 3] for index in range(40)] + [put_head(cloud, one) for one in images]):
        for _ in range(5):
            began = time.monotonic()
            assert cloud.call("GET", "/compute/v2.1/servers/detail").status_code == 200
            assert time.monotonic() - began < ANSWER_SECONDS
    for one in images:
        assert cloud.call("GET", f"/image/v2/images/{one}").json()["status"] == "queued"
        cloud.call("DELETE", f"/image/v2/images/{one}")


def test_a_slow_download_holds_no_thread(cloud: Cloud) -> None:
    image = new_image(cloud)
    bits = b"\x01\x02\x03\x04" * (2 * 1024 * 1024)
    url = f"{cloud.url}/image/v2/images/{image}/file"
    headers = {"X-Auth-Token": cloud.token}
    sent = requests.put(url, bits, headers={**headers, "Content-Type": "application/octet-stream"}, timeout=60)
    assert sent.status_code == 204, sent.text
    asked = f"GET /image/v2/images/{image}/file HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {cloud.token}\r\n\r\n"
    with connections(cloud, [asked] * 10):
        began = time.monotonic()
        assert cloud.call("GET", "/compute/v2.1/servers/detail").status_code == 200
        assert time.monotonic() - began < ANSWER_SECONDS
    whole = requests.get(url, headers=headers, timeout=60)
    assert whole.content == bits and whole.headers["Content-MD5"] == hashlib.md5(bits).hexdigest()
    assert whole.headers["x-openstack-request-id"].startswith("req-")
    part = requests.get(url, headers={**headers, "Range": "bytes=5-9"}, timeout=60)
    assert (part.status_code, part.content) == (206, bits[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(bits)}"
    beyond = requests.get(url, headers={**headers, "Range": f"bytes={len(bits)}-"}, timeout=60)
    assert beyond.status_code == 416
    cloud.call("DELETE", f"/image/v2/images/{image}")


@pytest.mark.parametrize("kind", ["stranger", "nowhere", "too large"])
def test_a_refused_upload_is_refused_before_its_bits_arrive(cloud: Cloud, kind: str) -> None:
    image = new_image(cloud)
    heads = {
        "stranger": (put_head(cloud, image, token="nonsense"), 401),
        "nowhere": (put_head(cloud, "7d1a4d1e-0000-4000-8000-000000000000"), 404),
        "too large": (put_head(cloud, image, length=2**40), 413),
    }
    text, status = heads[kind]
    found, headers, body = raw(cloud, text)
    assert found == status, body
    pages = raw(cloud, text.replace("application/json", "*/*", 1))
    assert pages[0] == status and (status == 401 or pages[2].startswith(b"<html>"))
    assert headers["x-openstack-request-id"].startswith("req-") and json.loads(body)
    assert not list((cloud.state / "front" / "body").rglob("*.*"))
    cloud.call("DELETE", f"/image/v2/images/{image}")


def test_credentials_with_access_rules_upload(cloud: Cloud) -> None:
    """The front's subrequest has the path and the method of the upload itself."""
    user = cloud.rows("SELECT id FROM identity_user WHERE name = 'demo'")[0][0]
    rule = {"path": "/v2/images/*/file", "method": "PUT", "service": "image"}
    body = {"application_credential": {"name": "uploads", "access_rules": [rule]}}
    made = cloud.call("POST", f"/identity/v3/users/{user}/application_credentials", body).json()
    given = made["application_credential"]
    methods = {"methods": ["application_credential"]}
    auth = {"auth": {"identity": {**methods, "application_credential": {"id": given["id"], "secret": given["secret"]}}}}
    token = requests.post(cloud.url + TOKENS, json=auth, timeout=30).headers["X-Subject-Token"]
    image = new_image(cloud)
    sent = requests.put(
        f"{cloud.url}/image/v2/images/{image}/file", b"\x01" * 512, timeout=30,
        headers={"X-Auth-Token": token, "Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert sent.status_code == 204, sent.text
    cloud.call("DELETE", f"/image/v2/images/{image}")
    cloud.call("DELETE", f"/identity/v3/users/{user}/application_credentials/{given['id']}")


SHAPES = {
    "/identity/v3/projects": lambda body: body["error"]["code"],
    "/compute/v2.1/servers": lambda body: body["overLimit"]["code"],
    "/image/v2/images": lambda body: int(body["code"].split()[0]),
    "/network/v2.0/networks": lambda body: body["NeutronError"]["message"] and 413,
}


@pytest.mark.parametrize("path", SHAPES)
def test_the_front_refuses_in_the_shape_of_the_service(cloud: Cloud, path: str) -> None:
    status, headers, body = raw(cloud, f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n")
    assert status == 413 and SHAPES[path](json.loads(body)) == 413
    assert headers["content-type"] == "application/json"
    assert headers["x-openstack-request-id"].startswith("req-") and len(headers["x-openstack-request-id"]) == 40


LONG: list[tuple[str, str, dict[str, str], int]] = [
    ("a URL with 300 ids", "/network/v2.0/ports?" + "&".join(f"id={UUID(int=n)}" for n in range(300)), {}, 200),
    ("a longer URL", "/network/v2.0/ports?id=" + "a" * 17_000, {}, 414),
    ("a header of 10 KiB", "/network/v2.0/ports", {"X-Long": "a" * 10_240}, 200),
    ("the longest header", "/network/v2.0/ports", {"X-Long": "a" * 16_374}, 200),
    ("a longer header", "/network/v2.0/ports", {"X-Long": "a" * 17_000}, 431),
    ("many headers", "/network/v2.0/ports", {f"a{number}": "" for number in range(900)}, 200),
]


@pytest.mark.parametrize(("path", "headers", "status"), [row[1:] for row in LONG], ids=[row[0] for row in LONG])
def test_what_the_front_lets_through_the_api_accepts(
    cloud: Cloud, path: str, headers: dict[str, str], status: int
) -> None:
    answer = requests.get(cloud.url + path, headers={"X-Auth-Token": cloud.token, **headers}, timeout=30)
    assert answer.status_code == status, answer.text[:200]
    assert answer.json().keys() == ({"ports"} if status == 200 else {"NeutronError"})
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_that_nginx_refuses(cloud: Cloud, method: str) -> None:
    status, headers, body = raw(cloud, f"{method} /compute/v2.1/servers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert status == 405 and json.loads(body)["badMethod"]["code"] == 405
    assert headers["x-compute-request-id"].startswith("req-") and "DELETE" in headers["allow"]


def test_the_front_answers_503_while_the_api_is_away(cloud: Cloud) -> None:
    cloud.kill("api", restart=False)
    try:
        answer = requests.get(f"{cloud.url}/compute/v2.1/servers", timeout=30)
        assert answer.status_code == 503, answer.text
        assert answer.json()["serviceUnavailable"]["code"] == 503
        assert answer.headers["x-compute-request-id"] == answer.headers["x-openstack-request-id"]
        status, _, body = raw(cloud, put_head(cloud, "7d1a4d1e-0000-4000-8000-000000000000"))
        assert status == 503 and json.loads(body)["code"].startswith("503")
    finally:
        cloud.start("api")
        wait_for(cloud.healthy, what="a healthy API")


CHUNKED: list[tuple[str, str, str, Any, int]] = [
    ("POST", "/identity/v3/auth/tokens", "application/json", {"auth": {}}, 400),
    ("POST", "/compute/v2.1/os-keypairs", "application/json", {"keypair": {"name": "chunked"}}, 200),
    ("POST", "/network/v2.0/networks", "application/json", {"network": {"name": "chunked"}}, 201),
    ("POST", "/image/v2/images", "application/json", {"name": "chunked"}, 201),
]


@pytest.mark.parametrize(("method", "path", "kind", "document", "status"), CHUNKED, ids=[row[1] for row in CHUNKED])
def test_chunked_documents_are_read(
    cloud: Cloud, method: str, path: str, kind: str, document: Any, status: int
) -> None:
    text = json.dumps(document).encode()
    headers = {"X-Auth-Token": cloud.token, "Content-Type": kind}
    answer = requests.request(method, cloud.url + path, data=iter([text[:5], text[5:]]), headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
    made = answer.json()
    if status == 200:
        cloud.call("DELETE", "/compute/v2.1/os-keypairs/chunked")
    elif "network" in made:
        cloud.call("DELETE", f"{path}/{made['network']['id']}")
    elif status == 201:
        patch = b'[{"op": "replace", "path": "/name", "value": "patched"}]'
        kind = "application/openstack-images-v2.1-json-patch"
        changed = requests.patch(
            f"{cloud.url}{path}/{made['id']}", data=iter([patch]), timeout=30, headers={**headers, "Content-Type": kind}
        )
        assert changed.status_code == 200 and changed.json()["name"] == "patched"
        cloud.call("DELETE", f"{path}/{made['id']}")


def test_chunked_bodies_are_bounded(cloud: Cloud) -> None:
    headers = {"X-Auth-Token": cloud.token, "Content-Type": "application/json"}
    pieces = iter([b" " * 65536] * 48)
    answer = requests.post(f"{cloud.url}/network/v2.0/networks", data=pieces, headers=headers, timeout=30)
    assert answer.status_code == 413 and answer.json()["NeutronError"]


def test_a_scheme_or_a_prefix_of_a_client_is_not_believed(cloud: Cloud) -> None:
    said = {
        "X-Forwarded-Proto": "https",
        "SCRIPT_NAME": "/compute",
        "Script-Name": "/compute",
        "X-Front-Peer": "1.2.3.4",
    }
    answer = requests.get(f"{cloud.url}/compute/v2.1", headers=said, timeout=30)
    assert answer.status_code == 200, answer.text
    assert all(
        link["href"].startswith(cloud.url) for link in answer.json()["version"]["links"] if link["rel"] == "self"
    )


def test_uploads_by_expect_and_in_chunks(cloud: Cloud) -> None:
    image = new_image(cloud)
    headers = {"X-Auth-Token": cloud.token, "Content-Type": "application/octet-stream", "Expect": "100-continue"}
    pieces = iter([b"\x05" * 100_000] * 30)
    sent = requests.put(f"{cloud.url}/image/v2/images/{image}/file", data=pieces, headers=headers, timeout=60)
    assert sent.status_code == 204, sent.text
    shown = cloud.call("GET", f"/image/v2/images/{image}").json()
    assert (shown["status"], shown["size"]) == ("active", 3_000_000)
    cloud.call("DELETE", f"/image/v2/images/{image}")


@pytest.mark.parametrize("entrance", ["front", "api"])
def test_a_chunked_upload_that_is_cut_off_leaves_nothing(cloud: Cloud, entrance: str) -> None:
    """The client goes away between two chunks, or within one; the API by itself is what hosts without a front run."""
    image = new_image(cloud)
    head = put_head(cloud, image).replace("Content-Length: 1000000000", "Transfer-Encoding: chunked")
    chunk = "10000\r\n" + "\x01" * 0x10000 + "\r\n"
    for end in ("", "10000\r\n" + "\x01" * 100):
        with ExitStack() as stack:
            if entrance == "front":
                (made,) = stack.enter_context(connections(cloud, [head + chunk + end]))
            else:
                made = stack.enter_context(socket.socket(socket.AF_UNIX))
                made.connect(str(cloud.state / "front" / "api-0.sock"))
                made.sendall((head + chunk + end).encode())
                wait_for(lambda: status_of(cloud, image) == "saving", what="an upload under way")
            made.shutdown(socket.SHUT_WR)
            made.settimeout(30)
            with suppress(ConnectionResetError):
                while made.recv(65536):
                    pass
        wait_for(lambda: status_of(cloud, image) == "queued", what="a queued image")
        wait_for(lambda: not remains(cloud), what="no file of the upload")
        assert cloud.rows("SELECT size, charged, upload_id FROM images_image WHERE id = %s", image) == [(None, 0, None)]
    sent = requests.put(
        f"{cloud.url}/image/v2/images/{image}/file", iter([b"\x01" * 512] * 2), timeout=30,
        headers={"X-Auth-Token": cloud.token, "Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert sent.status_code == 204 and status_of(cloud, image) == "active"
    cloud.call("DELETE", f"/image/v2/images/{image}")


@contextmanager
def full_disk(place: Path) -> Iterator[None]:
    """Put a file system of 1 MiB over a directory, for the same account."""
    owner = place.stat()
    options = f"size=1m,uid={owner.st_uid},gid={owner.st_gid},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_is_told_in_words(cloud: Cloud) -> None:
    image = new_image(cloud)
    headers = {"X-Auth-Token": cloud.token, "Accept": "application/json"}
    headers["Content-Type"] = "application/octet-stream"
    with full_disk(cloud.state / "front" / "body"):
        answer = requests.put(
            f"{cloud.url}/image/v2/images/{image}/file", iter([b"\x01" * 65536] * 48), headers=headers, timeout=30
        )
        assert answer.status_code in (503, 507), answer.text
        assert answer.json()["message"] and answer.headers["x-openstack-request-id"].startswith("req-")
        assert cloud.call("GET", "/compute/v2.1/servers").status_code == 200
        assert not list((cloud.state / "front" / "body").rglob("*.*"))
    assert status_of(cloud, image) == "queued"
    cloud.call("DELETE", f"/image/v2/images/{image}")


def test_a_front_that_was_killed_starts_again(cloud: Cloud) -> None:
    """Its workers outlive it and hold the port: the next one ends them."""
    workers = psutil.Process(cloud.pid("front")).children(recursive=True)
    cloud.kill("front")
    assert workers and not psutil.wait_procs(workers, timeout=20)[1]
    wait_for(cloud.healthy, what="a healthy API", seconds=20)
