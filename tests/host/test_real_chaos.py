"""The short form of `make chaos ARGS="--real"`, and what reconcilers do on a real host. On their own libvirt."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.private import libvirt as private_libvirt
from deploy.private.libvirt import PrivateLibvirt
from tests.chaos import real
from tests.cloud import Cloud, wait_for
from workers.drivers.hypervisor import loader as hypervisors

pytestmark = [pytest.mark.libvirt, pytest.mark.processes, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab() -> Iterator[tuple[Cloud, PrivateLibvirt]]:
    if not private_libvirt.is_possible():
        pytest.skip("needs root, libvirtd and virtlogd")
    with real.real_cloud() as (cloud, libvirt):
        yield cloud, libvirt


@pytest.mark.heavy
def test_three_guests_under_fire(lab: tuple[Cloud, PrivateLibvirt]) -> None:
    told = real.storm(*lab, seed=3, servers=3, strikes=3)
    assert sum(told["states"].values()) == 3


def test_what_is_planted_on_a_real_host_is_repaired(lab: tuple[Cloud, PrivateLibvirt]) -> None:
    """A card is off the switch; a server's row is gone while its guest runs: domain, tap and files follow."""
    cloud, libvirt = lab
    cloud.rows("DELETE FROM workflow_finding")
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    key = str(cloud.settled(cloud.create("planted", imageRef=image))["id"])
    taps = real.taps_of(cloud)
    assert libvirt.domains() == {key}

    [tap] = taps
    real.on_switch(cloud, "del-port", "br-int", tap)
    wait_for(lambda: "not plugged" in " ".join(found for _, found in findings(cloud)), what="a card that is missing")
    assert tap in real.on_switch(cloud, "list-ports", "br-int")

    cloud.rows("UPDATE compute_server SET deleted_at = now(), vm_state = 'deleted' WHERE id = %s", key)
    wait_for(lambda: {"domain", "allocation", "quota"} <= {kind for kind, _ in findings(cloud)}, what="findings")
    wait_for(lambda: not libvirt.domains(), what="no domain")
    cloud.assert_clean()
    real.assert_nothing_left(cloud, libvirt, [key], taps)
    assert not cloud.rows("SELECT 1 FROM workflow_finding WHERE resolved_at IS NULL")


def test_a_call_outlasts_a_restart_of_libvirtd(lab: tuple[Cloud, PrivateLibvirt], tmp_path: Path) -> None:
    _, libvirt = lab
    driver = hypervisors.load("libvirt", {"state_dir": tmp_path, "uri": libvirt.uri})
    assert driver.list_domains() == ()
    libvirt.kill()
    back = threading.Timer(1.0, libvirt.start)
    back.start()
    try:
        assert driver.list_domains() == ()
    finally:
        back.join()
        driver.close()


def findings(cloud: Cloud) -> list[tuple[str, str]]:
    return [(kind, found) for kind, found in cloud.rows("SELECT kind, found FROM workflow_finding")]
