"""Unmodified clients against a real server: openstacksdk and the ``openstack`` command."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keystoneauth1.exceptions as refusals
import openstack
import pytest
import requests
import yaml
from openstack import exceptions

from apps.identity.services import bootstrap
from tests.api.clients.commands import Commands

PASSWORD = "correct horse"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SERVICE_TYPES = {"identity", "compute", "image", "network", "volumev3", "block-storage"}


@pytest.fixture
def url(live_server: Any, settings: Any, tmp_path: Path) -> str:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    bootstrap.bootstrap(admin_password=PASSWORD, demo_password=PASSWORD, public_url=live_server.url, region="RegionOne")
    return f"{live_server.url}/identity"


def connect(url: str, name: str = "admin", **values: Any) -> Any:
    auth = {
        "auth_url": url,
        "username": name,
        "password": PASSWORD,
        "project_name": name,
        "user_domain_id": "default",
        "project_domain_id": "default",
        **values,
    }
    auth = {key: value for key, value in auth.items() if value is not None}
    return openstack.connect(region_name="RegionOne", **auth)


def test_sdk_life_of_a_user(url: str) -> None:
    cloud = connect(url)
    project = cloud.identity.create_project(name="p", tags=["t"])
    user = cloud.identity.create_user(name="bob", password=PASSWORD, default_project_id=project.id)
    role = cloud.identity.find_role("member")
    cloud.identity.assign_project_role_to_user(project, user, role)
    assert cloud.identity.validate_user_has_project_role(project, user, role)
    bob = connect(url, "bob", project_name="p")
    assert bob.current_project_id == project.id
    assert [row.name for row in bob.identity.user_projects(user.id)] == ["p"]
    with pytest.raises(exceptions.ForbiddenException):
        list(bob.identity.users())
    with pytest.raises(exceptions.ForbiddenException):
        bob.identity.find_user("admin", ignore_missing=False)
    cloud.identity.unassign_project_role_from_user(project, user, role)
    with pytest.raises(refusals.Unauthorized):  # the client tries to sign in again: that is refused too
        list(bob.identity.user_projects(user.id))
    cloud.identity.delete_user(user)
    cloud.identity.delete_project(project)
    assert cloud.identity.find_user("bob") is None


@pytest.mark.parametrize(
    "scope",
    [
        {"project_name": None, "project_domain_id": None, "system_scope": "all"},
        {"project_name": None, "project_domain_id": None},
        {"project_domain_id": None, "project_domain_name": "Default"},
    ],
)
def test_sdk_scopes(url: str, scope: dict[str, Any]) -> None:
    cloud = connect(url, **scope)
    assert cloud.authorize()


def test_sdk_token_method(url: str) -> None:
    token = connect(url).authorize()
    again = openstack.connect(
        auth_type="token",
        auth_url=url,
        token=token,
        project_name="admin",
        project_domain_id="default",
        region_name="RegionOne",
    )
    assert again.authorize() != token


def test_sdk_wrong_password(url: str) -> None:
    with pytest.raises(exceptions.SDKException, match="requires authentication"):
        connect(url, password="wrong").authorize()


def test_commands(url: str, tmp_path: Path) -> None:
    """A person whom clouds.yaml signs in; tests/api/identity/test_commands.py has every command."""
    auth = {
        "auth_url": url,
        "username": "admin",
        "password": PASSWORD,
        "project_name": "admin",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    clouds = {"clouds": {"it": {"auth": auth, "region_name": "RegionOne", "identity_api_version": "3"}}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    run = Commands(auth={}, directory=tmp_path)
    run.environment |= {"OS_CLOUD": "it", "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}
    done = run.subprocess("openstack", "token issue -f json")  # as a user does, in a separate process
    assert json.loads(done.stdout)["id"].startswith("gAAAA"), done.stderr
    assert {row["Name"] for row in run.json("project list")} == {"admin", "demo", "service"}
    assert run.json("user create --password x bob")["name"] == "bob"
    run("role add --user bob --project demo member")
    assert run.json("role assignment list --user bob --names")[0]["Role"] == "member"
    assert {row["Type"] for row in run.json("catalog list")} == SERVICE_TYPES
    run("user delete bob")


def test_callers_at_the_same_time_stay_who_they_are(url: str) -> None:
    """OSSA 2014-007: caches between requests are keyed by the whole token."""
    people = {name: connect(url, name).session.get_token() for name in ("admin", "demo")}

    def ask(number: int) -> tuple[str, str]:
        name = list(people)[number % 2]
        headers = {"X-Auth-Token": people[name], "X-Subject-Token": people[name]}
        answer = requests.get(f"{url}/v3/auth/tokens?nocatalog", headers=headers, timeout=30)
        return name, answer.json()["token"]["user"]["name"]

    with ThreadPoolExecutor(8) as pool:
        assert not [pair for pair in pool.map(ask, range(200)) if pair[0] != pair[1]]
