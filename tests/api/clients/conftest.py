"""One cloud of real processes on three simulated hosts, and people with unmodified clients."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

from deploy.testrun import PREFIX, Services, root_of_states
from tests.api.clients.commands import Commands
from tests.api.clients.every_command import SURROUNDINGS, Table
from tests.cloud import Cloud, wait_for

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.processes)
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.fixture(scope="package")
def cloud() -> Iterator[Cloud]:
    """The cloud. After all tests its consistency check finds nothing."""
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, CELERITY_HOSTS="3") as running:
        running.image("tiny")
        yield running
        running.delete_all()
        running.assert_clean()
        running.manage("quota_verify")


@pytest.fixture(autouse=True)
def _no_servers_left(cloud: Cloud) -> Iterator[None]:
    yield
    if cloud.rows("SELECT 1 FROM compute_server WHERE deleted_at IS NULL LIMIT 1"):
        cloud.delete_all()


@pytest.fixture(scope="package")
def auth(cloud: Cloud) -> Callable[[str], dict[str, str]]:
    def credentials(name: str) -> dict[str, str]:
        return {
            "auth_url": f"{cloud.url}/identity",
            "username": name,
            "password": cloud.environment[f"CELERITY_{name.upper()}_PASSWORD"],
            "project_name": name,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }

    return credentials


@pytest.fixture(scope="package")
def sdk(auth: Callable[[str], dict[str, str]]) -> Iterator[Any]:
    """An ordinary member's openstacksdk."""
    with openstack.connect(region_name="RegionOne", **auth("demo")) as connection:
        yield connection


@pytest.fixture(scope="package")
def admin_sdk(auth: Callable[[str], dict[str, str]]) -> Iterator[Any]:
    with openstack.connect(region_name="RegionOne", **auth("admin")) as connection:
        yield connection


@pytest.fixture
def run(auth: Callable[[str], dict[str, str]], tmp_path: Path) -> Commands:
    """An ordinary member's commands."""
    return Commands(auth=auth("demo"), directory=tmp_path)


@pytest.fixture
def admin(auth: Callable[[str], dict[str, str]], tmp_path: Path) -> Commands:
    return Commands(auth=auth("admin"), directory=tmp_path)


@pytest.fixture(scope="package")
def surroundings(cloud: Cloud, auth: Callable[[str], dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A network with a way out, a security group and a volume, for the tables of all commands of servers."""
    demo = Commands(auth=auth("demo"), directory=tmp_path_factory.mktemp("demo"))
    Table(cloud, demo, demo).run(SURROUNDINGS)


@pytest.fixture(scope="module")
def kept(cloud: Cloud) -> Iterator[None]:
    """Deleted servers are kept for half a minute, so that they can be restored."""
    for name in ("api", "scheduler"):
        cloud.overrides[name] = {"CELERITY_RECLAIM_INSTANCE_INTERVAL": "30"}
        cloud.kill(name)
    wait_for(cloud.healthy, what="a healthy API")
    yield
    for name in ("api", "scheduler"):
        del cloud.overrides[name]
        cloud.kill(name)
    wait_for(cloud.healthy, what="a healthy API")


@pytest.fixture
def hands(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` does nothing, and a password is typed: simulated guests listen to nobody."""
    program = run.directory / "ssh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    run.environment["PATH"] = f"{run.directory}:{run.environment['PATH']}"
    monkeypatch.setattr("getpass.getpass", lambda *_: "secret")


@pytest.fixture
def bits(tmp_path: Path) -> Path:
    """A file that is a raw image."""
    path = tmp_path / "x.img"
    path.write_bytes(b"\x01" * 65536)
    return path
