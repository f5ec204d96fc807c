"""Fixtures for tests that need more than rows: private services to kill, the guest image, real libvirt."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import first_image
from deploy.testrun import Services, make_state
from tests import sentinels
from tests.host.ovn import daemons

ONE_AT_A_TIME = ("libvirt", "ovn", "processes")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of one kind in one parallel process, and skip those that this machine cannot run."""
    libvirt = os.environ.get("CELERITY_TEST_LIBVIRT") == "1"
    skip = pytest.mark.skip(reason="needs root and libvirt, through `make test`")
    skip_ovn = pytest.mark.skip(reason="needs root, OVN and Open vSwitch")
    for item in items:
        # One group only: a test of both kinds would else make a third, which runs beside the two.
        if kind := next((kind for kind in ONE_AT_A_TIME if item.get_closest_marker(kind)), None):
            item.add_marker(pytest.mark.xdist_group(kind))
        if item.get_closest_marker("libvirt") and not libvirt:
            item.add_marker(skip)
        if item.get_closest_marker("ovn") and not daemons.are_installed():
            item.add_marker(skip_ovn)


@pytest.fixture
def own_services() -> Iterator[Services]:
    """A PostgreSQL and a Redis for one test alone, which may stop, kill and start them as it likes.

    ``own_services.environment`` holds the CELERITY_* settings for processes that are to use them.
    """
    with Services(make_state()) as services:
        yield services
        sentinels.look_at_logs(services.state)


@pytest.fixture(scope="session")
def guest_image() -> Path:
    """The bootable image `tiny`, built when the cache does not have it."""
    return first_image.ensure()


@pytest.fixture
def state_directory() -> Iterator[Path]:
    """A directory under /var/lib (as root) that other accounts, QEMU's for one, may enter."""
    path = make_state()
    yield path
    shutil.rmtree(path, ignore_errors=True)
