"""What clients see while a server is built, acted on and moved: they poll, and act on what they read at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.heavy
ACTIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"reboot": {"type": "HARD"}}, "ACTIVE"),
    ({"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE"),
    ({"revertResize": None}, "ACTIVE"),
    ({"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE"),
    ({"confirmResize": None}, "ACTIVE"),
    ({"os-migrateLive": {"host": None, "block_migration": "auto"}}, "ACTIVE"),
    ({"migrate": None}, "VERIFY_RESIZE"),
    ({"confirmResize": None}, "ACTIVE"),
    ({"shelve": None}, "SHELVED"),
    ({"shelveOffload": None}, "SHELVED_OFFLOADED"),
    ({"unshelve": None}, "ACTIVE"),
    ({"pause": None}, "PAUSED"),
    ({"unpause": None}, "ACTIVE"),
    ({"suspend": None}, "SUSPENDED"),
    ({"resume": None}, "ACTIVE"),
    ({"rebuild": {"name": "watched"}}, "ACTIVE"),
    ({"rescue": {}}, "RESCUE"),
    ({"unrescue": None}, "ACTIVE"),
)


@contextmanager
def polled(cloud: Cloud, key: str) -> Iterator[list[dict[str, Any]]]:
    """Read the server again and again during the block, in a separate session."""
    seen: list[dict[str, Any]] = []
    over = threading.Event()

    def poll() -> None:
        session, headers = requests.Session(), {"X-Auth-Token": cloud.admin_token}
        while not over.is_set():
            answer = session.get(f"{cloud.url}/compute/v2.1/servers/{key}", headers=headers, timeout=30)
            if answer.status_code == 200:
                seen.append(answer.json()["server"])

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def lacks(server: dict[str, Any], volumes: list[dict[str, str]]) -> list[str]:
    """Return what an ACTIVE server does not show."""
    addresses = [address for network in server["addresses"].values() for address in network]
    shown = {
        "addresses": addresses and all(one["OS-EXT-IPS-MAC:mac_addr"] and one["addr"] for one in addresses),
        "zone": server["OS-EXT-AZ:availability_zone"],
        "host": server["OS-EXT-SRV-ATTR:host"],
        "volumes": server["os-extended-volumes:volumes_attached"] == volumes,
    }
    return [name for name, value in shown.items() if not value]


def act(cloud: Cloud, key: str, body: dict[str, Any], status: str, volumes: list[dict[str, str]], **more: Any) -> None:
    """Ask for an action, and read the server until it is over: never off, complete whenever it is ACTIVE."""
    with polled(cloud, key) as seen:
        answer = cloud.call("POST", f"/compute/v2.1/servers/{key}/action", body, admin=True, **more)
        assert answer.status_code in (200, 202, 204), (body, answer.text)
        assert cloud.settled(key)["status"] == status, body
    assert not {server["status"] for server in seen} & {"SHUTOFF", "UNKNOWN", "ERROR"}, body
    assert not [missing for server in seen if server["status"] == "ACTIVE" and (missing := lacks(server, volumes))], (
        body
    )


def test_never_off_and_complete_as_soon_as_active(cloud: Cloud) -> None:
    """GitLab's fleeting deletes a machine that is SHUTOFF or UNKNOWN; controllers read addresses and zone once."""
    key = cloud.create("watched")
    with polled(cloud, key) as seen:
        assert cloud.settled(key)["status"] == "ACTIVE"
    assert {server["status"] for server in seen} <= {"BUILD", "ACTIVE"}
    assert not [missing for server in seen if server["status"] == "ACTIVE" and (missing := lacks(server, []))]
    volume = cloud.call("POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json()["volume"]["id"]
    path = f"/volume/v3/volumes/{volume}"
    wait_for(lambda: cloud.call("GET", path).json()["volume"]["status"] == "available", what="a volume")
    attachment = {"volumeAttachment": {"volumeId": volume}}
    assert cloud.call("POST", f"/compute/v2.1/servers/{key}/os-volume_attachments", attachment).status_code == 200
    cloud.settled(key)
    volumes = [{"id": volume}]
    for body, status in ACTIONS:
        if "rebuild" in body:
            body["rebuild"]["imageRef"] = cloud.image()
        act(cloud, key, body, status, volumes)
    cloud.delete(key)
    wait_for(lambda: cloud.call("GET", path).json()["volume"]["status"] == "available", what="the volume free")
    cloud.call("DELETE", path)
    wait_for(lambda: cloud.call("GET", path).status_code == 404, what="the volume gone")


def test_never_off_while_it_is_made_again_on_another_host(cloud: Cloud) -> None:
    key = cloud.create("evacuated")
    host = cloud.settled(key)["OS-EXT-SRV-ATTR:host"]
    services = cloud.call("GET", f"/compute/v2.1/os-services?host={host}&binary=nova-compute", admin=True).json()
    service = f"/compute/v2.1/os-services/{services['services'][0]['id']}"
    assert cloud.call("PUT", service, {"forced_down": True}, admin=True).status_code == 200
    try:
        # From 2.95 on an evacuated server is off until its owner starts it.
        act(cloud, key, {"evacuate": {}}, "ACTIVE", [], headers={"OpenStack-API-Version": "compute 2.94"})
    finally:
        cloud.call("PUT", service, {"forced_down": False}, admin=True)
    assert cloud.settled(key)["OS-EXT-SRV-ATTR:host"] != host
