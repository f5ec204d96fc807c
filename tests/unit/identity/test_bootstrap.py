"""Bootstrapping twice changes nothing; a lost administrator comes back."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.identity.models import Endpoint, Role, RoleAssignment, Service, User
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


def again(public_url: str = "http://testserver", region: str = "RegionOne") -> None:
    bootstrap.bootstrap(**{**ARGUMENTS, "public_url": public_url, "region": region})


def urls(kind: str, interface: str = "public") -> list[str]:
    rows = Endpoint.objects.filter(service__type=kind, interface=interface)
    return sorted(rows.values_list("url", flat=True))


def test_endpoints_of_operators_stay(as_admin: Api) -> None:
    """A second endpoint of the same kind ended bootstrap, and with it ``make up``; edited ones were overwritten."""
    compute, image = (Endpoint.objects.get(service__type=kind, interface="public") for kind in ("compute", "image"))
    second = {"service_id": compute.service_id, "interface": "public", "region_id": "RegionOne", "url": "http://two"}
    assert as_admin.call("post", "/v3/endpoints", {"endpoint": second}).status_code == 201
    edited = {"endpoint": {"url": "https://edited/image"}}
    assert as_admin.call("patch", f"/v3/endpoints/{image.pk}", edited).status_code == 200
    for public_url in ("http://testserver", "http://x", "http://y", "http://y"):
        again(public_url)
        assert urls("compute") == sorted(["http://two", f"{public_url}/compute/v2.1"])
        assert urls("image") == ["https://edited/image"]
        assert urls("image", "internal") == [f"{public_url}/image"]
    assert Endpoint.objects.count() == 19  # three interfaces of six services, and the second one


def test_only_an_operators_endpoint_is_left(cloud: None) -> None:
    service = Service.objects.get(type="image")
    Endpoint.objects.filter(service=service, interface="public").delete()
    for number in range(2):
        Endpoint.objects.create(service=service, region_id="RegionOne", interface="public", url=f"http://{number}")
    again("http://x")
    assert urls("image") == ["http://0", "http://1"]
    Endpoint.objects.filter(service=service, interface="public").delete()
    again("http://x")
    assert urls("image") == ["http://x/image"]


def test_what_follows_again_after_it_was_edited_back(cloud: None) -> None:
    row = Endpoint.objects.get(service__type="image", interface="public")
    Endpoint.objects.filter(pk=row.pk).update(url="http://edited")
    again("http://x")
    Endpoint.objects.filter(pk=row.pk).update(url="http://y/image")
    again("http://y")
    again("http://z")
    assert urls("image") == ["http://z/image"]


def test_clouds_from_before_the_mark(cloud: None) -> None:
    """Endpoints have no author: those with the current URL count as bootstrap's, all others as an operator's."""
    Endpoint.objects.update(bootstrap_url="")
    Endpoint.objects.filter(service__type="image").update(url="http://edited")
    again()
    again("http://x")
    assert (urls("compute"), urls("image")) == (["http://x/compute/v2.1"], ["http://edited"])


def test_a_second_service_of_a_type_gets_none_of_our_endpoints(cloud: None) -> None:
    other = Service.objects.create(id="0", type="compute", name="nova")
    again("http://x")
    assert not other.endpoints.exists()
    assert urls("compute") == ["http://x/compute/v2.1"]


def test_another_region_gets_endpoints_of_its_own(cloud: None) -> None:
    again("http://x", "R2")
    assert urls("image") == ["http://testserver/image", "http://x/image"]


def test_the_mark_is_nobodys_to_see_or_set(as_admin: Api) -> None:
    row = Endpoint.objects.get(service__type="image", interface="public")
    as_admin.call("patch", f"/v3/endpoints/{row.pk}", {"endpoint": {"bootstrap_url": "http://x"}})
    row.refresh_from_db()
    assert row.bootstrap_url == "http://testserver/image"


@pytest.mark.parametrize("name", ["admin", "manager", "member", "reader", "service"])
def test_the_roles_that_rules_name_stay(as_admin: Api, role: Any, name: str) -> None:
    path = f"/v3/roles/{role(name).pk}"
    assert as_admin.call("get", path).json()["role"]["options"] == {"immutable": True}
    assert as_admin.call("delete", path).status_code == 403
    assert as_admin.call("delete", f"/v2.0/OS-KSADM/roles/{role(name).pk}").status_code == 403
    assert as_admin.call("patch", path, {"role": {"name": "x"}}).status_code == 403
    assert as_admin.call("patch", path, {"role": {"options": {"immutable": False}}}).status_code == 200
    again()
    assert as_admin.call("get", path).json()["role"]["options"] == {"immutable": False}
    assert as_admin.call("patch", path, {"role": {"description": "x"}}).status_code == 200


def test_roles_of_older_clouds_become_immutable(cloud: None, role: Any) -> None:
    Role.objects.update(options={})
    Role.objects.filter(name="member").update(options={"immutable": False})
    again()
    assert [role(name).options["immutable"] for name in ("admin", "member", "reader")] == [True, False, True]


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


def test_the_administrator_comes_back(api: Api, admin: User, settings: Any) -> None:
    RoleAssignment.objects.filter(user=admin).delete()
    users.update(user_id=admin.pk, changes={"enabled": False, "password": "forgotten"})
    settings.GIVEN_ADMIN_PASSWORD = "found again"
    call_command("admin_password")
    token = api.sign_in(password_body("admin", "found again")).json()["token"]
    assert "admin" in [role["name"] for role in token["roles"]]
    admin.refresh_from_db()
    assert admin.is_staff
    assert admin.is_superuser


def test_the_file_gives_the_administrator_no_password(
    api: Api, admin: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """celerity.env has the former password: setting it again would only end every token."""
    settings.GIVEN_ADMIN_PASSWORD = ""
    monkeypatch.setenv("CELERITY_ADMIN_PASSWORD", "of-the-file")  # as reading the file leaves it
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="no password was given; nothing is changed"):
        call_command("admin_password")
    monkeypatch.setattr("sys.stdin", io.StringIO("of-a-pipe\n"))
    call_command("admin_password")
    assert api.sign_in(password_body("admin", "of-a-pipe")).status_code == 201
