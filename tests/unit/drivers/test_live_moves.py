"""Live migration in the drivers: a guest is on one host at every moment, its disks are new ones, its XML is moved."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import libvirt
import pytest
from lxml import etree

from tests.unit.drivers import samples
from tests.unit.drivers.test_local_storage import driver, image, image_file, source  # noqa: F401
from workers.drivers.errors import DriverError, Stopped
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor.base import CellPlacement, Hardware, HypervisorDriver, Placement
from workers.drivers.hypervisor.errors import ServerNotRunning
from workers.drivers.hypervisor.libvirt import migration
from workers.drivers.hypervisor.libvirt.definition import HostPolicy, define
from workers.drivers.hypervisor.libvirt.driver import LibvirtDriver
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.migration import MigrationOptions, Whereabouts
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import Disk, ImageSource, ImageSpec, StorageDriver
from workers.drivers.storage.errors import FilesMissing, NotEnoughSpace
from workers.system.peers import client
from workers.system.peers.client import Peer

ID = samples.new_id()


def pair(tmp_path: Path) -> tuple[HypervisorDriver, HypervisorDriver]:
    made = {"state_dir": tmp_path, "plan_file": tmp_path / "plan.json"}
    return tuple(hypervisors.load("simulated", {**made, "host": host}) for host in ("one", "two"))  # type: ignore[return-value]


def where(host: HypervisorDriver, key: str) -> str:
    info = host.info(key)
    return str(info.power_state) if info else "absent"


@pytest.mark.parametrize("runs", [True, False])
def test_a_guest_moves(tmp_path: Path, runs: bool) -> None:
    (one, two), far = pair(tmp_path), Peer("two", "", tmp_path)
    spec = samples.server(disks=(samples.disk(Disk("/instances/root", "qcow2", 1 << 30), "vda"),))
    with pytest.raises(ServerNotRunning):
        one.start(spec), one.stop(spec.id, 0), one.check_migration(spec.id, far)
    one.start(spec)
    if not runs:
        one.pause(spec.id)
    one.check_migration(spec.id, far)
    one.migrate(spec.id, far, MigrationOptions(runs=runs), lambda _: None, threading.Event())
    assert (where(one, spec.id), where(two, spec.id)) == ("absent", "running" if runs else "paused")
    assert one.whereabouts(spec.id, far, runs=runs) == Whereabouts.THERE


@pytest.mark.parametrize(("when", "left"), [("before", "absent"), ("inside", "paused")])
def test_a_failure_leaves_it_at_its_source(tmp_path: Path, when: str, left: str) -> None:
    (one, two), far = pair(tmp_path), Peer("two", "", tmp_path)
    spec = samples.server(disks=(samples.disk(Disk("/instances/root", "qcow2", 1 << 30), "vda"),))
    one.start(spec)
    fault = {"op": "migrate", "error": "retryable", "when": when}
    (tmp_path / "plan.json").write_text(json.dumps({"faults": [fault]}))
    with pytest.raises(Exception, match="simulated"):
        one.migrate(spec.id, far, MigrationOptions(), lambda _: None, threading.Event())
    assert (where(one, spec.id), where(two, spec.id)) == ("running", left)
    assert one.whereabouts(spec.id, far, runs=True) == Whereabouts.HERE
    assert (where(one, spec.id), where(two, spec.id)) == ("running", "absent")
    one.stop(spec.id, 0)
    assert one.whereabouts(spec.id, far, runs=True) == Whereabouts.OFF


def test_progress_force_and_stop(tmp_path: Path) -> None:
    (one, two), far = pair(tmp_path), Peer("two", "", tmp_path)
    spec = samples.server(disks=(samples.disk(Disk("/instances/root", "qcow2", 1 << 30), "vda"),))
    one.start(spec)
    (tmp_path / "plan.json").write_text(json.dumps({"delays_s": {"migrate_memory": 60}}))
    stop = threading.Event()
    with pytest.raises(Stopped):
        one.migrate(spec.id, far, MigrationOptions(), lambda _: stop.set(), stop)
    seen: list[int] = []

    def force(progress: Any) -> None:
        seen.append(progress.memory_remaining)
        one.force_complete(spec.id)

    one.migrate(spec.id, far, MigrationOptions(), force, threading.Event())
    assert seen[0] > 0 == seen[-1]
    assert (where(one, spec.id), where(two, spec.id)) == ("absent", "running")


def test_the_xml_of_the_destination() -> None:
    disks = (
        samples.disk(Disk("/one/instances/x/root", "qcow2", 1 << 30, "/one/images/a", "qcow2"), "vda"),
        samples.disk(Disk("/one/instances/x/config-2", "iso", 1 << 20), "vdz"),
        samples.disk(Disk("/one-more/y", "raw", 1 << 20), "vdb"),
    )
    text = define(samples.server(disks=disks), HostPolicy(home="/one")).xml()
    moved = parse(migration.moved_xml(text, migration.Arrival("/one", "/two/b")))
    files = [found.get("file") for found in moved.iterfind(".//source[@file]")]
    assert files == ["/two/b/instances/x/root", "/two/b/images/a", "/two/b/instances/x/config-2", "/one-more/y"]
    [mark] = moved.iterfind("metadata/*")
    assert mark.get("home") == "/two/b"
    assert migration.copied_disks(text) == ["vda", "vdb"]


@pytest.mark.parametrize(("shared", "left"), [(None, "0,1"), ((), None), ((4, 6), "4,6")])
def test_a_guest_shares_the_processors_of_its_new_host(shared: Any, left: str | None) -> None:
    text = define(samples.server(), HostPolicy(home="/one", shared_cpus=(0, 1))).xml()
    moved = parse(migration.moved_xml(text, migration.Arrival("/one", "/two", shared_cpus=shared)))
    assert moved.find("vcpu").get("cpuset") == left


def test_without_a_set_the_others_share_what_is_not_dedicated(tmp_path: Path) -> None:
    class Host:
        def getCapabilities(self) -> str:
            cpus = "".join(f'<cpu id="{number}" siblings="{number}"/>' for number in range(4))
            cell = f'<cell id="0"><memory>4096</memory><cpus>{cpus}</cpus></cell>'
            return f"<capabilities><host><topology><cells>{cell}</cells></topology></host></capabilities>"

    options = {"state_dir": tmp_path, "virt_type": "qemu", "dedicated_cpus": (1, 2)}
    assert LibvirtDriver(options)._whole_policy(Host()).shared_cpus == (0, 3)
    named = LibvirtDriver({**options, "shared_cpus": (3,)})
    assert named._whole_policy(Host()).shared_cpus == (3,)


def test_a_destination_whose_libvirt_does_not_answer_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        libvirt.open("nowhere:///")

    hypervisor = LibvirtDriver({"state_dir": tmp_path, "virt_type": "qemu"})
    monkeypatch.setattr(hypervisor._connection, "run", fails)
    with pytest.raises(DriverError):
        hypervisor.arrival_facts({})


def test_a_guest_has_its_places_on_its_new_host() -> None:
    """All that libvirt reads of a place is the destination's; what the guest sees stays."""

    def machine(*, cell: int, first: int) -> Hardware:
        cells = (
            CellPlacement(cell, ((0, (first,)),), 256),
            CellPlacement(cell + 1, ((1, (first + 1,)),), 256, page_kib=2048),
        )
        return Hardware(placement=Placement(cells, (first,), realtime=(1,)), cpu_shares=512)

    before, after = (samples.server(vcpus=2, hardware=machine(cell=number, first=4 + number)) for number in (0, 2))
    policy = HostPolicy(home="/one", shared_cpus=(0, 1))
    moved = migration.moved_xml(
        define(before, policy).xml(), migration.Arrival("/one", "/one", shared_cpus=(9,)), after.hardware.placement
    )
    wanted = parse(define(replace(before, hardware=after.hardware), policy).xml())
    assert re.sub(r">\s+<", "><", moved) == re.sub(r">\s+<", "><", etree.tostring(wanted, encoding="unicode"))


def test_disks_of_a_server_that_arrives(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    driver: StorageDriver,  # noqa: F811
    image: ImageSpec,  # noqa: F811
    source: ImageSource,  # noqa: F811
) -> None:
    """The image is fetched from the source where nobody else has it; small files are copied, disks are made empty."""
    cached = driver.cache_image(image, source)
    root = driver.create_root(ID, cached, 1)
    driver.create_swap(ID, 16)
    driver.create_config_drive(ID, {"openstack/latest/meta_data.json": b"{}"})
    far = Peer("one", "", tmp_path)

    def read(_: Peer, key: str, part: str, limit: int = 0) -> bytes:
        return driver.describe_disks(key) if part == "layout" else driver.handed_file(key, part[5:]).read_bytes()

    def fetch(_: Peer, key: str, part: str, target: Path, stop: Any) -> bool:
        target.write_bytes(driver.handed_file(key, part.removeprefix("file ")).read_bytes())
        return True

    monkeypatch.setattr(client, "read", read)
    monkeypatch.setattr(client, "fetch", fetch)
    off = storages.load("local", {"state_dir": tmp_path / "off"})
    for _ in range(2):
        off.receive_images(ID, far, threading.Event())
    assert off.has_image(image.sha512) and not off.list_servers()
    other = storages.load("local", {"state_dir": tmp_path / "other"})
    for _ in range(2):
        other.prepare_disks(ID, far, threading.Event())
    home, there = Path(root.path).parent, tmp_path / "other" / "instances" / ID
    made = Disk(**json.loads((there / "root.json").read_text()))
    assert (made.size_bytes, made.backing_path) == (1 << 30, str(tmp_path / "other" / "images" / image.sha512))
    assert other.has_image(image.sha512)
    assert not other.damaged_images()
    assert (there / "config-2").read_bytes() == (home / "config-2").read_bytes()
    assert (there / "swap").stat().st_size == 16 << 20
    other.keep_console(ID, b"before")
    assert (there / "console.log.0").read_bytes() == b"before"
    for name in ("root", "../root", "image/" + "0" * 128):
        with pytest.raises(FilesMissing):
            driver.handed_file(ID, name)
    full = storages.load("local", {"state_dir": tmp_path / "full", "reserved_gib": 1 << 30})
    for receive in (full.receive_images, full.prepare_disks):
        with pytest.raises(NotEnoughSpace):
            receive(ID, far, threading.Event())
    assert not full.has_image(image.sha512)
    assert not full.list_servers()
