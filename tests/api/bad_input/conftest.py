"""Each test gets its own small cloud; its writes are rolled back."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.compute.services import bootstrap as compute
from apps.identity.services import bootstrap as identity
from apps.networking.services import bootstrap as networking
from apps.scheduling.services import hosts
from tests.api.bad_input.world import PASSWORD, World


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.IMAGE_DIR = tmp_path / "images"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    identity.bootstrap(
        admin_password=PASSWORD, demo_password=PASSWORD, public_url="http://testserver", region="RegionOne"
    )
    networking.load()
    compute.ensure_flavors()
    hosts.register(name="h1", facts={}, vcpus=64, ram_mib=65536, disk_gib=1000, agent_url="")
    return World()
