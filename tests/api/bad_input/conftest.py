"""Each test gets its own small cloud; its writes are rolled back."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.compute.services import bootstrap as compute
from apps.networking.services import bootstrap as networking
from apps.scheduling.services import hosts
from tests import small_cloud
from tests.api.bad_input.world import PASSWORD, World


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that outlive a test, and with them the tokens that are issued once."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def tokens() -> dict[str, str]:
    return {}


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path, key_directory: Path, tokens: dict[str, str]) -> World:
    settings.FERNET_KEY_DIR = key_directory / "fernet"
    settings.CREDENTIAL_KEY_DIR = key_directory / "credential"
    settings.IMAGE_DIR = tmp_path / "images"
    cache.clear()
    small_cloud.bootstrap(password=PASSWORD)
    small_cloud.fill("bad input", _fill)
    hosts.register(name="h1", facts={}, vcpus=64, ram_mib=65536, disk_gib=1000, agent_url="")
    return World(tokens)


def _fill() -> None:
    networking.load()
    compute.ensure_flavors()
