"""Volumes under fire: a server gets one, its snapshot is made, it is taken away; some servers boot from one."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from tests.cloud import Cloud, wait_for

SETTINGS = {
    "CELERITY_QUOTA_VOLUMES": "100000",
    "CELERITY_QUOTA_SNAPSHOTS": "100000",
    "CELERITY_QUOTA_GIGABYTES": "1000000",
}
BOOTED_SHARE = 0.15  # servers that boot from a volume
REFUSED = (400, 404, 409)  # it is not there any more, or in another state
PATIENCE_SECONDS = 6.0
ENDS = {"available", "in-use", "error", "error_extending", "error_deleting"}
LIVING = "SELECT id::text, status FROM volumes_{table} WHERE deleted_at IS NULL"


def of_server(cloud: Cloud, chance: random.Random) -> dict[str, Any]:
    """Return what a request for a server names: an image, or a volume that is made of it."""
    if chance.random() >= BOOTED_SHARE:
        return {}
    made = {"source_type": "image", "destination_type": "volume", "uuid": cloud.image(), "boot_index": 0}
    return {
        "imageRef": None,
        "block_device_mapping_v2": [{**made, "volume_size": 1, "delete_on_termination": chance.random() < 0.7}],
    }


def use_one(cloud: Cloud, server: str, chance: random.Random, allowed: tuple[int, ...]) -> None:
    """Make a volume, attach it, and perhaps make a snapshot of it, extend it, detach and delete it."""
    volume = _ask(cloud, "POST", "/volume/v3/volumes", {"volume": {"size": 1, "name": "chaos"}}, allowed)
    if volume is None:
        return
    key = volume["volume"]["id"]
    attached = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    deeds: list[tuple[str, str, Any]] = [("POST", attached, {"volumeAttachment": {"volumeId": key}})]
    if chance.random() < 0.5:
        body = {"snapshot": {"volume_id": key, "force": True, "name": "chaos"}}
        deeds.append(("POST", "/volume/v3/snapshots", body))
    if chance.random() < 0.3:
        deeds.append(("POST", f"/volume/v3/volumes/{key}/action", {"os-extend": {"new_size": 2}}))
    if chance.random() < 0.6:
        deeds.append(("DELETE", f"{attached}/{key}", None))
    if chance.random() < 0.3:
        deeds.append(("DELETE", f"/volume/v3/volumes/{key}", None))
    for method, path, body in deeds:
        time.sleep(chance.uniform(0, 1))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _ask(cloud, method, path, body, allowed) is None and time.monotonic() < deadline:
            time.sleep(0.5)  # it is being made, or at the deed before


def _ask(cloud: Cloud, method: str, path: str, body: Any, allowed: tuple[int, ...]) -> Any:
    """Return the answer's document; None where it was refused, or the API was struck."""
    try:
        answer = cloud.call(method, path, body, headers={"OpenStack-API-Version": "compute 2.96, volume 3.66"})
    except requests.RequestException:
        return None
    if answer.status_code in (*REFUSED, *allowed):
        return None
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


def look(cloud: Cloud) -> dict[str, int]:
    """See that no volume and no snapshot is stuck. Returns how many are in each status."""
    rows = [(table, *row) for table in ("volume", "snapshot") for row in cloud.rows(LIVING.format(table=table))]
    stuck = [row for row in rows if row[2] not in ENDS]
    assert not stuck, f"stuck: {stuck}"
    return dict(Counter(f"{table} {status}" for table, _, status in rows))


def delete_all(cloud: Cloud) -> None:
    """Delete every snapshot, then every volume, whatever became of it."""
    for table in ("snapshot", "volume"):
        _forced(cloud, table, LIVING.format(table=table))


def _forced(cloud: Cloud, table: str, living: str) -> None:
    for key, _ in cloud.rows(living):
        cloud.call("POST", f"/volume/v3/{table}s/{key}/action", {"os-force_delete": {}}, admin=True)
    gone: Callable[[], bool] = lambda: not cloud.rows(living)  # noqa: E731 - its kind is said
    wait_for(gone, what=f"no {table}: {cloud.rows(living)[:5]}", seconds=60)
