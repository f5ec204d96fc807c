"""The front takes in no more image data than there is room for, and few uploads of a project at once."""

import json
import os
import select
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from deploy.front import uploads
from tests.cloud import Cloud, wait_for
from tests.pipelines.dialogue import connections, new_image, put_head, raw, remains, status_of

pytestmark = [pytest.mark.processes]
MIB = 1024 * 1024
CHUNK = f"{MIB:x}\r\n".encode() + b"\x01" * MIB + b"\r\n"
BUFFERS = 16 * MIB  # of both ends of a connection; more than Linux gives them
QUOTA = 3
ROOM = 4  # the power of two above


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Cloud:
    """The cloud as it is: no test here makes a server."""
    return shared_cloud


@pytest.fixture
def image(cloud: Cloud) -> Iterator[str]:
    """An image of a project that may have QUOTA MiB."""
    made = new_image(cloud)
    owner = cloud.call("GET", f"/image/v2/images/{made}").json()["owner"]
    assert cloud.rows("SELECT SUM(size) FROM images_image WHERE project_id = %s AND deleted_at IS NULL", owner) == [
        (None,)
    ]
    cloud.rows("INSERT INTO quotas_limit (owner_id, resource, value) VALUES (%s, 'image_size_total', %s)", owner, QUOTA)
    yield made
    cloud.rows("DELETE FROM quotas_limit WHERE owner_id = %s AND resource = 'image_size_total'", owner)
    cloud.call("DELETE", f"/image/v2/images/{made}")


def chunked(head: str) -> str:
    return head.replace("Content-Length: 1000000000", "Transfer-Encoding: chunked")


def spooled(cloud: Cloud) -> int:
    """Return the bytes of the bodies that nginx holds: files that have no name any more."""
    master = psutil.Process(int((cloud.state / "front" / "nginx.pid").read_text()))
    total = 0
    for worker in master.children():
        for entry in Path(f"/proc/{worker.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if os.readlink(entry).startswith(str(cloud.state / "front" / "body")):
                    total += entry.stat().st_size
    return total


def send(made: socket.socket, *, most: int) -> int:
    """Send chunks until the front answers; return how many bytes it took."""
    sent = 0
    while sent < most and not select.select([made], [], [], 0)[0]:
        sent += made.send(CHUNK[sent % len(CHUNK) :])
    return sent


def test_a_chunked_upload_ends_where_its_room_ends(cloud: Cloud, image: str) -> None:
    with connections(cloud, [chunked(put_head(cloud, image))]) as (made,):
        sent = send(made, most=200 * MIB)
        assert made.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert sent <= 2 * ROOM * MIB + BUFFERS
        assert 0 < spooled(cloud) <= ROOM * MIB
    wait_for(lambda: not spooled(cloud), what="no body at the front")
    assert not remains(cloud) and status_of(cloud, image) == "queued"
    url, headers = f"{cloud.url}/image/v2/images/{image}/file", {"X-Auth-Token": cloud.token}
    headers["Content-Type"] = "application/octet-stream"
    assert requests.put(url, b"\x01" * QUOTA * MIB, headers=headers, timeout=60).status_code == 204
    assert status_of(cloud, image) == "active"


def test_the_refusal_is_in_the_image_services_words(cloud: Cloud, image: str) -> None:
    text = chunked(put_head(cloud, image)) + (CHUNK * (ROOM + 1)).decode("latin-1") + "0\r\n\r\n"
    status, headers, body = raw(cloud, text)
    document = json.loads(body)
    assert status == 413 and document["code"].startswith("413") and "quota" in document["message"]
    assert headers["x-openstack-request-id"].startswith("req-") and len(headers["x-openstack-request-id"]) == 40


ROUNDED: list[tuple[str, Callable[[bytes], object], int, int]] = [
    ("chunks within the quota", lambda bits: iter([bits[:MIB], bits[MIB:]]), QUOTA * MIB, 204),
    ("chunks beyond the quota, within the room", lambda bits: iter([bits]), QUOTA * MIB + 1, 413),
    ("a length within the quota", lambda bits: bits, QUOTA * MIB, 204),
    ("a length beyond the quota", lambda bits: bits, QUOTA * MIB + 1, 413),
]


@pytest.mark.parametrize(("form", "size", "status"), [row[1:] for row in ROUNDED], ids=[row[0] for row in ROUNDED])
def test_the_quota_holds_to_the_byte(
    cloud: Cloud, image: str, form: Callable[[bytes], object], size: int, status: int
) -> None:
    answer = requests.put(
        f"{cloud.url}/image/v2/images/{image}/file", form(b"\x01" * size), timeout=60,  # type: ignore[arg-type]
        headers={"X-Auth-Token": cloud.token, "Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    assert status_of(cloud, image) == ("active" if status == 204 else "queued")


def test_uploads_of_a_project_at_once(cloud: Cloud, image: str) -> None:
    """All of them are admitted before the first is charged."""
    other = cloud.sign_in("demo")
    heads = [
        chunked(put_head(cloud, image, token=(cloud.token, other)[index % 2])) for index in range(uploads.OF_PROJECT)
    ]
    with connections(cloud, [*heads, heads[0]]) as made:
        refused = wait_for(lambda: select.select(made, [], [], 0)[0], what="a refused upload")
        assert len(refused) == 1
        text = refused[0].recv(65536).decode()
        head, _, body = text.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 429 ") and "x-openstack-request-id: req-" in head
        assert json.loads(body)["code"].startswith("429") and "uploads" in json.loads(body)["message"]
        theirs = cloud.call(
            "POST", "/image/v2/images", {"name": "x", "disk_format": "raw", "container_format": "bare"}, admin=True
        ).json()["id"]
        done = requests.put(
            f"{cloud.url}/image/v2/images/{theirs}/file", b"\x01" * 512, timeout=30,
            headers={"X-Auth-Token": cloud.admin_token, "Content-Type": "application/octet-stream"},
        )  # fmt: skip
        assert done.status_code == 204, done.text
        cloud.call("DELETE", f"/image/v2/images/{theirs}", admin=True)
        assert cloud.call("GET", "/compute/v2.1/servers").status_code == 200
    ended = chunked(put_head(cloud, image)) + "1\r\n\x01\r\n0\r\n\r\n"
    wait_for(lambda: raw(cloud, ended)[0] == 204, what="an upload after the others have ended")


@pytest.fixture
def others(cloud: Cloud) -> Iterator[list[str]]:
    """One image each of as many projects as use up the uploads of an address, and of one more project."""
    values = {"name": "x", "disk_format": "raw", "container_format": "bare"}
    owners = [uuid.uuid4().hex for _ in range(uploads.OF_ADDRESS // uploads.OF_PROJECT + 1)]
    answers = [cloud.call("POST", "/image/v2/images", {**values, "owner": owner}, admin=True) for owner in owners]
    made = [answer.json()["id"] for answer in answers]
    yield made
    for key in made:
        assert cloud.call("DELETE", f"/image/v2/images/{key}", admin=True).status_code == 204


def test_uploads_of_an_address_at_once(cloud: Cloud, others: list[str]) -> None:
    """An address has a limit of uploads over all projects; another address is not affected."""
    *full, last = [chunked(put_head(cloud, image, token=cloud.admin_token)) for image in others]
    heads = [head for head in full for _ in range(uploads.OF_PROJECT)]
    with connections(cloud, [*heads, last]) as made:
        refused = wait_for(lambda: select.select(made, [], [], 0)[0], what="a refused upload")
        assert len(refused) == 1
        head, _, body = refused[0].recv(65536).decode().partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 429 ") and "address" in json.loads(body)["message"]
        assert cloud.call("GET", "/compute/v2.1/servers").status_code == 200
        with connections(cloud, [last + "1\r\n\x01\r\n0\r\n\r\n"], source="127.0.0.2") as (elsewhere,):
            assert elsewhere.recv(65536).startswith(b"HTTP/1.1 204 ")
    wait_for(lambda: not spooled(cloud), what="no body at the front")
