"""Each reconciler: a difference is planted in a running cloud, and is seen reported and repaired."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, and after the test: nothing left, no inconsistency, no open finding."""
    shared_cloud.rows("DELETE FROM workflow_finding")
    yield shared_cloud
    shared_cloud.delete_all()
    shared_cloud.assert_clean()
    wait_for(lambda: not open_findings(shared_cloud), what=f"no open finding: {open_findings(shared_cloud)}")


def open_findings(cloud: Cloud) -> list[tuple[Any, ...]]:
    return cloud.rows("SELECT kind, subject, host, found FROM workflow_finding WHERE resolved_at IS NULL")


def reported(cloud: Cloud, kind: str, subject: str, *, resolved: bool = True) -> tuple[str, str]:
    """Return what was found and what was done, once that is written."""
    statement = (
        "SELECT found, done FROM workflow_finding WHERE kind = %s AND subject = %s AND (resolved_at IS NULL) = %s"
    )
    rows = wait_for(
        lambda: cloud.rows(statement, kind, subject, not resolved),
        what=f"a finding {kind} {subject}, have {cloud.rows('SELECT kind, subject, found FROM workflow_finding')}",
        seconds=60,
    )
    return tuple(rows[0])


def boot(cloud: Cloud, **values: Any) -> dict[str, Any]:
    server = cloud.settled(cloud.create("planted", **values))
    assert server["status"] == "ACTIVE"
    return server


def host_of(server: dict[str, Any]) -> str:
    return str(server["OS-EXT-SRV-ATTR:host"])


def record(cloud: Cloud, host: str, kind: str, name: str) -> Path:
    """The file in which a simulated host keeps a thing."""
    return cloud.state / "simulated" / host / kind / f"{name}.json"


def put(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".planted")
    partial.write_text(json.dumps(values))
    partial.rename(path)


def port_of(cloud: Cloud, key: str) -> str:
    return str(cloud.rows("SELECT id::text FROM networking_port WHERE device_id = %s", key)[0][0])


def metric(cloud: Cloud, name: str, label: str) -> float:
    text = cloud.http.get(f"{cloud.url}/metrics", timeout=10).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and f'"{label}"' in line)


# --- rows ---------------------------------------------------------------------------------------


def test_a_build_that_nobody_works_on_ends_in_error(cloud: Cloud) -> None:
    server = boot(cloud)
    key = server["id"]
    cloud.rows("UPDATE compute_server SET vm_state = 'building', task_state = 'spawning' WHERE id = %s", key)
    found, _ = reported(cloud, "server", key)
    assert found == "building, task spawning, and no run is open"
    after = cloud.settled(key)
    assert after["status"] == "ERROR" and "The build was lost" in after["fault"]["message"]
    reported(cloud, "domain", key)  # its host's reconciler: no row has it there any more
    assert not record(cloud, host_of(server), "domains", key).exists()


def test_a_task_that_nobody_works_on_ends(cloud: Cloud) -> None:
    key = boot(cloud)["id"]
    cloud.rows("UPDATE compute_server SET task_state = 'powering-off' WHERE id = %s", key)
    reported(cloud, "server", key)
    assert cloud.settled(key)["status"] == "ACTIVE"


def test_an_allocation_of_nobody_is_released(cloud: Cloud) -> None:
    before = metric(cloud, "celerity_reconciler_findings_total", "allocation")
    stranger = str(uuid.uuid4())
    cloud.rows(
        "INSERT INTO scheduling_allocation (id, consumer_id, host_id, vcpus, ram_mib, disk_gib, created_at)"
        " SELECT gen_random_uuid(), %s, id, 1, 512, 1, now() FROM scheduling_host LIMIT 1",
        stranger,
    )
    _, done = reported(cloud, "allocation", stranger)
    assert done == "released"
    assert metric(cloud, "celerity_reconciler_findings_total", "allocation") == before + 1


@pytest.mark.parametrize("change", ["gone", "elsewhere"])
def test_an_allocation_is_where_the_server_is(cloud: Cloud, change: str) -> None:
    server = boot(cloud)
    statements = {
        "gone": "DELETE FROM scheduling_allocation WHERE consumer_id = %s",
        "elsewhere": "UPDATE scheduling_allocation a SET host_id = h.id FROM scheduling_host h"
        " WHERE a.consumer_id = %s AND h.id <> a.host_id",
    }
    cloud.rows(statements[change], server["id"])
    _, done = reported(cloud, "allocation", server["id"])
    assert done == f"claimed on {host_of(server)}"
    name = "SELECT h.name FROM scheduling_allocation a JOIN scheduling_host h ON h.id = a.host_id"
    assert cloud.rows(f"{name} WHERE a.consumer_id = %s", server["id"]) == [(host_of(server),)]


def test_a_hosts_capacity_is_counted_anew(cloud: Cloud) -> None:
    [(host,)] = cloud.rows(
        "UPDATE scheduling_inventory i SET vcpus_used = vcpus_used + 7 FROM scheduling_host h"
        " WHERE h.id = i.host_id AND h.name LIKE '%%1' RETURNING h.name"
    )
    found, _ = reported(cloud, "inventory", host)
    assert "(7, 0, 0, 0) used" in found


def test_quotas_are_what_the_rows_count(cloud: Cloud) -> None:
    server = boot(cloud)
    project = server["tenant_id"]
    cloud.rows("UPDATE quotas_usage SET in_use = in_use + 3 WHERE owner_id = %s AND resource = 'cores'", project)
    found, _ = reported(cloud, "quota", f"{project} cores")
    assert "recorded 4 in use and 0 reserved, the rows say 1 and 0" in found


@pytest.mark.parametrize("alive", [True, False])
def test_a_reservation_without_a_run_is_settled(cloud: Cloud, alive: bool) -> None:
    consumer = boot(cloud)["id"] if alive else str(uuid.uuid4())
    cloud.rows(
        "WITH one AS (UPDATE quotas_usage SET reserved = reserved + 1, in_use = in_use - %s WHERE resource = 'cores'"
        " RETURNING owner_id) INSERT INTO quotas_reservation (id, owner_id, resource, delta, consumer_id, created_at,"
        " expires_at) SELECT gen_random_uuid(), owner_id, 'cores', 1, %s, now(), now() + interval '1 h' FROM one",
        int(alive),
        consumer,
    )
    _, done = reported(cloud, "reservation", consumer)
    assert done == ("counted as use" if alive else "released")


def test_ports_of_nobody_are_released(cloud: Cloud) -> None:
    server = boot(cloud)
    port, stranger = port_of(cloud, server["id"]), str(uuid.uuid4())
    cloud.rows("UPDATE networking_port SET device_id = %s WHERE id = %s", stranger, port)
    reported(cloud, "port", stranger)
    assert not cloud.rows("SELECT 1 FROM networking_fixedip WHERE port_id = %s", port)
    reported(cloud, "port", port)  # its host unplugs it
    assert not record(cloud, host_of(server), "ports", port).exists()


def test_ports_are_bound_where_the_server_is(cloud: Cloud) -> None:
    server = boot(cloud)
    port = port_of(cloud, server["id"])
    cloud.rows("UPDATE networking_port SET host = 'elsewhere' WHERE id = %s", port)
    reported(cloud, "port", server["id"])
    assert cloud.rows("SELECT host FROM networking_port WHERE id = %s", port) == [(host_of(server),)]


def test_an_image_without_its_bits_is_reported_until_they_are_back(cloud: Cloud) -> None:
    cloud.image("planted")
    [(sha512,)] = cloud.rows("SELECT os_hash_value FROM images_image WHERE name = 'planted'")
    blob = cloud.state / "images" / "blobs" / sha512
    hidden = blob.rename(cloud.state / "hidden")
    found, done = reported(cloud, "image", sha512[:64], resolved=False)
    assert (found, done) == ("its data is not in the store (files): was CELERITY_IMAGE_STORE changed?", "")
    assert metric(cloud, "celerity_reconciler_findings_open", "image") == 1
    hidden.rename(blob)
    reported(cloud, "image", sha512[:64])


# --- hosts --------------------------------------------------------------------------------------


def test_a_power_state_that_nobody_ordered_is_written(cloud: Cloud) -> None:
    server = boot(cloud)
    path = record(cloud, host_of(server), "domains", server["id"])
    cloud.kill("agent", restart=False)  # else its events would say so first
    put(path, {**json.loads(path.read_text()), "power_state": "shutdown"})
    cloud.start("agent")
    found, done = reported(cloud, "power", server["id"])
    assert (found, done) == ("active by its row, shutdown on the host", "the row says shutdown now")
    assert cloud.settled(server["id"])["status"] == "SHUTOFF"


@pytest.mark.parametrize("kind", ["domains", "disks"])
def test_what_no_row_owns_is_removed(cloud: Cloud, kind: str) -> None:
    server = boot(cloud)
    stranger = str(uuid.uuid4())
    values = json.loads(record(cloud, host_of(server), kind, server["id"]).read_text())
    path = record(cloud, "sim-002", kind, stranger)
    put(path, {**values, "id": stranger} if kind == "domains" else values)
    found, done = reported(cloud, {"domains": "domain", "disks": "files"}[kind], stranger)
    assert "no server has this id" in found and done == "removed"
    assert not path.exists()


def test_a_server_of_another_host_is_removed(cloud: Cloud) -> None:
    server = boot(cloud)
    other = "sim-001" if host_of(server) == "sim-002" else "sim-002"
    values = json.loads(record(cloud, host_of(server), "domains", server["id"]).read_text())
    put(record(cloud, other, "domains", server["id"]), values)
    found, _ = reported(cloud, "domain", server["id"])
    assert f"the server is on {host_of(server)}" in found
    assert record(cloud, host_of(server), "domains", server["id"]).exists()


def test_strangers_are_left_where_that_is_wished(cloud: Cloud) -> None:
    server, stranger = boot(cloud), str(uuid.uuid4())
    cloud.kill("agent", restart=False)
    domain = record(cloud, host_of(server), "domains", stranger)
    values = json.loads(record(cloud, host_of(server), "domains", server["id"]).read_text())
    put(domain, {**values, "id": stranger})
    port = record(cloud, host_of(server), "ports", stranger)
    put(port, json.loads(record(cloud, host_of(server), "ports", port_of(cloud, server["id"])).read_text()))
    cloud.environment["CELERITY_REMOVE_STRANGERS"] = "false"
    cloud.start("agent")
    try:
        for kind in ("domain", "port"):
            _, done = reported(cloud, kind, stranger, resolved=False)
            assert done == "left: CELERITY_REMOVE_STRANGERS is off"
        assert domain.exists() and port.exists()
    finally:
        del cloud.environment["CELERITY_REMOVE_STRANGERS"]
        cloud.kill("agent")
    for kind in ("domain", "port"):
        reported(cloud, kind, stranger)
    assert not domain.exists() and not port.exists()


def test_missing_files_of_a_server_are_reported(cloud: Cloud) -> None:
    server = boot(cloud)
    record(cloud, host_of(server), "disks", server["id"]).unlink()
    found, _ = reported(cloud, "files", server["id"], resolved=False)
    assert "none of its files" in found
    assert [one["kind"] for one in cloud.inconsistencies() if one["what"] == server["id"]] == ["files"]
    cloud.delete(server["id"])
    reported(cloud, "files", server["id"])  # nothing is missing any more


def test_a_restart_makes_no_disks(cloud: Cloud) -> None:
    """A file system that is not mounted looks like lost disks: starting the guest would give it an empty one."""
    server = boot(cloud)
    disks = record(cloud, host_of(server), "disks", server["id"])
    cloud.kill("agent", restart=False)
    disks.rename(disks.with_suffix(".away"))
    record(cloud, host_of(server), "domains", server["id"]).unlink()
    (cloud.state / "simulated" / host_of(server) / "boot_id").write_text("another life")
    cloud.start("agent")
    reported(cloud, "files", server["id"], resolved=False)
    assert cloud.settled(server["id"])["status"] == "SHUTOFF" and not disks.exists()
    disks.with_suffix(".away").rename(disks)
    reported(cloud, "files", server["id"])


def test_a_port_that_is_not_plugged_is_plugged(cloud: Cloud) -> None:
    server = boot(cloud)
    port = port_of(cloud, server["id"])
    path = record(cloud, host_of(server), "ports", port)
    path.unlink()
    _, done = reported(cloud, "port", port)
    assert done == "plugged" and path.exists()


def test_a_port_of_no_row_is_unplugged(cloud: Cloud) -> None:
    server = boot(cloud)
    stranger = str(uuid.uuid4())
    values = json.loads(record(cloud, host_of(server), "ports", port_of(cloud, server["id"])).read_text())
    path = record(cloud, host_of(server), "ports", stranger)
    put(path, values)
    _, done = reported(cloud, "port", stranger)
    assert done == "unplugged" and not path.exists()


def planted_partial(cloud: Cloud, image: Path) -> str:
    name = ".part-4194305-1-1"  # no process has this id: it is above the kernel's highest
    (image.parent / name).write_text("half")
    return f"partial download {name}"


def planted_damage(cloud: Cloud, image: Path) -> str:
    put(image, {**json.loads(image.read_text()), "damaged": True})
    return image.stem[:64]


@pytest.mark.parametrize("plant", [planted_partial, planted_damage])
def test_the_image_cache_is_looked_after(cloud: Cloud, plant: Callable[[Cloud, Path], str]) -> None:
    server = boot(cloud)
    image = min((cloud.state / "simulated" / host_of(server) / "images").glob("*.json"))
    cloud.delete(server["id"])
    subject = plant(cloud, image)
    reported(cloud, "cache", subject)
    assert not list(image.parent.glob(".part-4194305-*"))
    assert not image.exists() or "damaged" not in image.read_text()


def test_a_healthy_cloud_has_no_findings(cloud: Cloud) -> None:
    """Boots, stops, starts, reboots and deletes at once, while everything is compared every second."""
    for turn in range(3):
        keys = [cloud.create(f"healthy-{turn}-{index}") for index in range(8)]
        assert {cloud.settled(key)["status"] for key in keys} == {"ACTIVE"}
        for key, body in zip(keys, [{"os-stop": None}, {"reboot": {"type": "HARD"}}] * 2, strict=False):
            assert cloud.call("POST", f"/compute/v2.1/servers/{key}/action", body).status_code == 202
        for key in keys[4:]:
            cloud.call("DELETE", f"/compute/v2.1/servers/{key}")
        for key in keys[:4]:
            cloud.settled(key)
        cloud.delete_all()
    assert cloud.rows("SELECT kind, subject, host, found, done FROM workflow_finding") == []
