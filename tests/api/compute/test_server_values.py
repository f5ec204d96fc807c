"""Values of new servers: names in all scripts, valid host names, and refusals instead of silent drops."""

from typing import Any

import pytest

from apps.compute.models import Server
from apps.compute.services.server_requests import guest
from tests.api.compute.conftest import ComputeCaller
from workers.drivers import values as driver_values
from workers.mapping import config_drives

pytestmark = pytest.mark.usefixtures("no_broker")


def create(caller: ComputeCaller, wanted: dict[str, Any], **more: Any) -> Any:
    return caller.at("2.96").post("/servers", {"server": {**wanted, "networks": "none", **more}})


NAMES = ["a\u00a0b", "\u65e5\u672c\u3000\u8a9e", "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e", "e\u0301"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_scripts(alice: ComputeCaller, wanted: dict[str, Any], name: str) -> None:
    answer = create(alice, wanted, name=name)
    assert answer.status_code == 202, answer.content
    server = Server.objects.get()
    assert server.name == name
    driver_values.check_hostname(server.hostname, "a host name")


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\x7fb", "a\u2028b", "a\u2029b", "a\x85b", "a\0b", " ", ""])
def test_names_with_control_characters(alice: ComputeCaller, wanted: dict[str, Any], name: str) -> None:
    assert create(alice, wanted, name=name).status_code == 400


@pytest.mark.parametrize("name", ["vm1", "a.b.example", "A-1", "x" * 63])
def test_host_names(alice: ComputeCaller, wanted: dict[str, Any], name: str) -> None:
    assert create(alice, wanted, hostname=name).status_code == 202
    driver_values.check_hostname(Server.objects.get().hostname, "a host name")


BAD_HOST_NAMES = ["..", "_x_", "a..b", "-a", "a-", "a.", ".a", "x" * 64, "a b", ""]


@pytest.mark.parametrize("name", BAD_HOST_NAMES)
def test_host_names_that_no_host_takes(alice: ComputeCaller, wanted: dict[str, Any], name: str) -> None:
    """Such values were accepted, and the servers ended in ERROR."""
    answer = create(alice, wanted, hostname=name)
    assert answer.status_code == 400
    assert "hostname" in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()


def test_a_host_name_with_a_number_behind_it(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    assert create(alice, wanted, hostname="x" * 62, max_count=2).status_code == 400
    assert create(alice, wanted, hostname="x" * 61, max_count=2, min_count=2).status_code == 202


@pytest.mark.parametrize("name", ["..", "a..b", "_", "a.b", "-.-", "web server_1", "x" * 255])
def test_host_names_made_of_names(name: str) -> None:
    driver_values.check_hostname(guest.default_hostname(name), "a host name")


def test_no_certificates_of_images(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    assert create(alice, wanted, trusted_image_certificates=None).status_code == 202


def test_certificates_are_told_as_such(alice: ComputeCaller, server: Server) -> None:
    server.key_name, server.public_key = "k", "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    assert config_drives.meta_data(server)["keys"][0]["type"] == "x509"
    server.public_key = "ssh-ed25519 AAAA"
    assert config_drives.meta_data(server)["keys"][0]["type"] == "ssh"


def test_times_are_compared_as_they_are_shown(alice: ComputeCaller, server: Server) -> None:
    shown = alice.get(f"/servers/{server.id}").json()["server"]["updated"]
    for params in (
        {"changes-since": shown},
        {"changes-before": shown},
        {"changes-since": shown, "changes-before": shown},
    ):
        found = alice.at("2.66").get("/servers", **params).json()["servers"]
        assert [one["id"] for one in found] == [str(server.id)], params
    assert not alice.at("2.66").get("/servers", **{"changes-before": "2001-01-01T00:00:00Z"}).json()["servers"]


def test_access_to_a_public_flavor(admin: ComputeCaller, alice: ComputeCaller, flavor: Any) -> None:
    body = {"addTenantAccess": {"tenant": alice.project_id}}
    path = f"/flavors/{flavor.flavor_id}/action"
    assert admin.at("2.7").post(path, body).status_code == 409
    assert admin.at("2.6").post(path, body).status_code == 200


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": "x" * 256}, "too long"),
        ({"name": ""}, "too short"),
        ({"description": "x" * 256}, "too long"),
        ({"hostname": ""}, "too short"),
        ({"tags": ["t"] * 51}, "too long"),
        ({"tags": ["t" * 61]}, "too long"),
    ],
)
def test_lengths_are_refused_in_novas_words(
    alice: ComputeCaller, wanted: dict[str, Any], values: dict[str, Any], text: str
) -> None:
    """Clients look for "too long" and "too short" (jsonschema's words, which Nova passes on)."""
    answer = create(alice, wanted, **values)
    assert answer.status_code == 400 and text in answer.json()["badRequest"]["message"], answer.content


@pytest.mark.parametrize(("forced", "shown"), [(False, ""), (True, "True")])
def test_the_config_drive_of_who_asked_for_none(
    alice: ComputeCaller, wanted: dict[str, Any], settings: Any, forced: bool, shown: str
) -> None:
    settings.FORCE_CONFIG_DRIVE = forced
    server = create(alice, wanted).json()["server"]["id"]
    assert alice.at("2.96").get(f"/servers/{server}").json()["server"]["config_drive"] == shown
