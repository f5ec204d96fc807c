"""People with a browser: one who acts, one who only looks, one who is a member of a project."""

from typing import Any

import pytest
from django.test import Client

from apps.identity.models import Role, RoleAssignment, User
from tests import small_cloud

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cloud(db: None, settings: Any, tmp_path: Any) -> None:
    """A cloud's identity, and static files without a manifest."""
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    small_cloud.bootstrap(password=PASSWORD)


def person(name: str, role: str) -> User:
    """Return a user with a role on the system ("" for none)."""
    user = User.objects.create(domain_id="default", name=name)
    if role:
        RoleAssignment.objects.create(user=user, role=Role.objects.get(name=role, domain=None), system=True)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.identity.backends.DomainUserBackend")
    return client


@pytest.fixture
def operator() -> Client:
    return browser(person("operator", "admin"))


@pytest.fixture
def viewer() -> Client:
    return browser(person("viewer", "reader"))


@pytest.fixture
def member() -> Client:
    return browser(User.objects.get(name="demo"))
