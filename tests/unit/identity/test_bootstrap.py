"""Bootstrapping twice changes nothing; a lost administrator comes back."""

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.identity.models import Endpoint, Role, RoleAssignment, User
from apps.identity.services import bootstrap, users
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db
ARGUMENTS = {"admin_password": PASSWORD, "demo_password": PASSWORD, "public_url": "http://x", "region": "R"}


def test_idempotent(cloud: None, as_demo: Api) -> None:
    def rows() -> list[int]:
        return [model.objects.count() for model in (User, Role, RoleAssignment, Endpoint)]

    before = rows()
    bootstrap.bootstrap(**{**ARGUMENTS, "region": "RegionOne"})
    assert rows() == before
    assert as_demo.call("get", "/v3/auth/projects").status_code == 200
    assert set(Endpoint.objects.filter(service__type="image").values_list("url", flat=True)) == {"http://x/image"}


def test_the_usual_implications(as_admin: Api) -> None:
    rules = as_admin.call("get", "/v3/role_inferences").json()["role_inferences"]
    pairs = [(rule["prior_role"]["name"], [role["name"] for role in rule["implies"]]) for rule in rules]
    assert pairs == [("admin", ["manager"]), ("manager", ["member"]), ("member", ["reader"])]


def test_the_command_writes_a_private_clouds_yaml(
    db: None, tmp_path: Path, settings: Any, monkeypatch: Any, capsys: Any
) -> None:
    from cloud.management.commands import bootstrap as command

    monkeypatch.setattr(command, "HOOKS", [])
    settings.STATE_DIR = tmp_path
    monkeypatch.delenv("CELERITY_ADMIN_PASSWORD", raising=False)
    with pytest.raises(CommandError):
        call_command("bootstrap")
    assert not User.objects.exists()
    monkeypatch.setenv("CELERITY_ADMIN_PASSWORD", "a-secret")
    monkeypatch.setenv("CELERITY_DEMO_PASSWORD", "d-secret")
    call_command("bootstrap")
    path = tmp_path / "clouds.yaml"
    clouds = yaml.safe_load(path.read_text())["clouds"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(clouds) == {"celerity-admin", "celerity-demo"}
    assert clouds["celerity-demo"]["auth"]["password"] == "d-secret"
    assert clouds["celerity-admin"]["auth"]["auth_url"].endswith("/identity")
    assert "secret" not in "".join(capsys.readouterr())


def test_the_administrator_comes_back(api: Api, admin: User, monkeypatch: Any, capsys: Any) -> None:
    RoleAssignment.objects.filter(user=admin).delete()
    users.update(user_id=admin.pk, changes={"enabled": False, "password": "forgotten"})
    monkeypatch.setenv("CELERITY_ADMIN_PASSWORD", "found again")
    call_command("admin_password")
    token = api.sign_in(password_body("admin", "found again")).json()["token"]
    assert "admin" in [role["name"] for role in token["roles"]]
    admin.refresh_from_db()
    assert admin.is_staff
    assert admin.is_superuser
