"""adminPass: in the answer, in the config drive, encrypted between the two, and nowhere afterwards."""

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.compute import admin_passwords
from apps.compute.models import Server
from apps.compute.services import server_states
from tests.api.compute.conftest import ComputeCaller
from workers.mapping import config_drives

pytestmark = pytest.mark.usefixtures("no_broker")


def create(caller: ComputeCaller, wanted: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Server]:
    answer = caller.at("2.37").post("/servers", {"server": {**wanted, "networks": "none", **more}})
    assert answer.status_code == 202, answer.content
    document = answer.json()["server"]
    return document, Server.objects.get(id=document["id"])


def test_a_generated_password_is_strong_and_reaches_the_guest(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    document, server = create(alice, wanted, config_drive=True)
    password = document["adminPass"]
    assert len(password) == admin_passwords.LENGTH
    assert any(c.isdigit() for c in password) and any(c.islower() for c in password) and any(map(str.isupper, password))
    assert config_drives.meta_data(server)["admin_pass"] == password
    assert create(alice, wanted)[0]["adminPass"] != password


def test_a_given_password_is_echoed_and_reaches_the_guest(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    document, server = create(alice, wanted, adminPass=" pässwörd ", config_drive=True)
    assert document["adminPass"] == " pässwörd "
    assert config_drives.meta_data(server)["admin_pass"] == " pässwörd "


def test_it_is_kept_encrypted_and_erased_with_the_launch(
    alice: ComputeCaller, wanted: dict[str, Any], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    document, server = create(alice, wanted, config_drive=True)
    assert server.admin_password
    assert document["adminPass"] not in str(vars(server))
    with django_assert_num_queries(1):
        server_states.mark_active(server_id=server.id)
    server.refresh_from_db()
    assert server.admin_password == ""
    assert "admin_pass" not in config_drives.meta_data(server)


def test_a_deleted_server_has_none(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    _, server = create(alice, wanted, config_drive=True)
    server_states.mark_deleted(server_id=server.id)
    server.refresh_from_db()
    assert server.admin_password == ""


def test_nothing_is_kept_where_no_config_drive_will_tell_it(
    alice: ComputeCaller, wanted: dict[str, Any], settings: Any
) -> None:
    settings.FORCE_CONFIG_DRIVE = False
    document, server = create(alice, wanted)
    assert document["adminPass"]
    assert server.admin_password == ""


def test_the_setting_takes_it_out_of_the_answer(alice: ComputeCaller, wanted: dict[str, Any], settings: Any) -> None:
    settings.ENABLE_INSTANCE_PASSWORD = False
    document, server = create(alice, wanted, config_drive=True)
    assert "adminPass" not in document
    assert "admin_pass" not in config_drives.meta_data(server)  # nobody would know it
    document, server = create(alice, wanted, config_drive=True, adminPass="given")
    assert "adminPass" not in document
    assert config_drives.meta_data(server)["admin_pass"] == "given"


def test_no_document_shows_it(alice: ComputeCaller, admin: ComputeCaller, wanted: dict[str, Any]) -> None:
    _, server = create(alice, wanted, config_drive=True, adminPass="very-s3cret")
    sealed = server.admin_password
    for caller in (alice, admin):
        for path in (
            f"/servers/{server.id}",
            "/servers/detail?all_tenants=1" if caller is admin else "/servers/detail",
        ):
            text = caller.at("2.96").get(path).content.decode()
            assert str(server.id) in text
            assert "adminPass" not in text and "very-s3cret" not in text and sealed not in text


@pytest.mark.parametrize("value", ["x" * 256, 5, "a\0b", None, ["x"]])
def test_what_is_no_password(alice: ComputeCaller, wanted: dict[str, Any], value: Any) -> None:
    answer = alice.at("2.37").post("/servers", {"server": {**wanted, "networks": "none", "adminPass": value}})
    assert answer.status_code == 400
    assert "adminPass" in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()


def test_another_secret_key_reads_nothing(settings: Any) -> None:
    sealed = admin_passwords.seal(str(uuid.uuid4()))
    settings.SECRET_KEY = "another"
    assert admin_passwords.unseal(sealed) == ""
