"""Two projects with one of everything each, and users with few rights in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests import small_cloud
from tests.isolation.belongings import Belongings, Person
from tests.unit.identity.dialogue import PASSWORD


@pytest.fixture(autouse=True)
def directories(tmp_path: Path, settings: Any) -> None:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    settings.IMAGE_DIR = tmp_path / "images"


@pytest.fixture
def cloud(db: None) -> None:
    small_cloud.bootstrap(password=PASSWORD)


@pytest.fixture
def alice(cloud: None) -> Person:
    return Person("alice", "a", "member")


@pytest.fixture
def bob(cloud: None) -> Person:
    return Person("bob", "b", "member")


@pytest.fixture
def bobs(bob: Person) -> Belongings:
    return Belongings(bob, 77)


@pytest.fixture
def rita(bobs: Belongings) -> Person:
    """A reader in bob's project."""
    return Person("rita", "b", "reader")


@pytest.fixture
def rows() -> Callable[[], dict[str, str]]:
    """Return a function that returns the content of each table."""

    def look() -> dict[str, str]:
        with connection.cursor() as cursor:
            found = {}
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM \"{table}\" t")
                found[table] = str(cursor.fetchone())
            return found

    return look
