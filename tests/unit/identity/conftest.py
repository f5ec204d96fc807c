"""A small cloud's identity: its own keys, the default domain, two people, and ways to sign in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.identity.models import Domain, Project, Role, RoleAssignment, User
from apps.identity.services import users
from tests import small_cloud
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope


@pytest.fixture(autouse=True)
def fernet_keys(tmp_path: Path, settings: Any) -> Path:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    return tmp_path / "fernet-keys"


@pytest.fixture
def cloud(db: None) -> None:
    """Bootstrap: admin and demo, both with PASSWORD."""
    small_cloud.bootstrap(password=PASSWORD)


@pytest.fixture
def admin(cloud: None) -> User:
    return User.objects.get(name="admin")


@pytest.fixture
def demo(cloud: None) -> User:
    return User.objects.get(name="demo")


@pytest.fixture
def project(cloud: None) -> Project:
    return Project.objects.get(name="demo")


@pytest.fixture
def role(cloud: None) -> Callable[[str], Role]:
    return lambda name: Role.objects.get(name=name, domain=None)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def as_admin(cloud: None) -> Api:
    api = Api()
    api.token = api.sign_in(password_body("admin", scope=project_scope("admin")))["X-Subject-Token"]
    return api


@pytest.fixture
def as_demo(cloud: None) -> Api:
    api = Api()
    api.token = api.sign_in(password_body(scope=project_scope()))["X-Subject-Token"]
    return api


@pytest.fixture
def other_domain(cloud: None) -> Domain:
    return Domain.objects.create(name="other")


@pytest.fixture
def grant() -> Callable[..., RoleAssignment]:
    return lambda **values: RoleAssignment.objects.create(**values)


@pytest.fixture
def other(cloud: None) -> User:
    return users.create(values={"name": "other", "password": PASSWORD}, default_domain_id="default")
