"""A small cloud with one of everything, shared by the tests of a module; each request's writes are rolled back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from apps.compute.services import bootstrap as compute
from apps.identity.services import bootstrap as identity
from apps.networking.services import bootstrap as networking
from apps.scheduling.services import hosts
from apps.volumes.services import bootstrap as volumes
from tests.isolation.belongings import Belongings, Person
from tests.lock_order import undone
from tests.unit.identity.dialogue import PASSWORD


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("cloud")
    with override_settings(
        FERNET_KEY_DIR=path / "fernet-keys",
        CREDENTIAL_KEY_DIR=path / "credential-keys",
        VOLUME_KEY_DIR=path / "volume-keys",
        IMAGE_DIR=path / "images",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ALLOWED_HOSTS=["*"],
    ):
        yield path


@pytest.fixture(scope="module")
def cloud(directories: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), undone():
        cache.clear()
        identity.bootstrap(
            admin_password=PASSWORD, demo_password=PASSWORD, public_url="http://testserver", region="RegionOne"
        )
        networking.load()
        compute.ensure_flavors()
        volumes.ensure_keys()
        hosts.register(name="host-1", facts={}, vcpus=64, ram_mib=65536, disk_gib=1000, agent_url="")
        yield


@pytest.fixture(scope="module")
def people(cloud: None) -> dict[str, Person]:
    """An administrator and a member of one project."""
    return {"admin": Person("root", "b", "admin"), "member": Person("bob", "b", "member")}


@pytest.fixture(scope="module")
def belongings(people: dict[str, Person]) -> Belongings:
    return Belongings(people["member"], 77)
