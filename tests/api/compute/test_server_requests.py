"""A create request on its way: fields by microversion, the template, and the rows that are made of it."""

from typing import Any

import pytest

from apps.compute.api.serializers.servers import ServerCreate, ServerUpdate
from apps.compute.models import BlockDevice, Server
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.usefixtures("no_broker")
FIELDS: list[tuple[str, Any, str, str]] = [  # field, value, the last version without it, the first with it
    ("description", "d", "2.18", "2.19"),
    ("tags", ["t"], "2.51", "2.52"),
    ("trusted_image_certificates", [], "2.62", "2.63"),
    ("host", "h1", "2.73", "2.74"),
    ("hypervisor_hostname", "h1", "2.73", "2.74"),
    ("hostname", "x", "2.89", "2.90"),
    ("personality", [], "2.57", "2.56"),
]


def create(caller: ComputeCaller, version: str, body: dict[str, Any]) -> Any:
    networks = {"networks": "none"} if tuple(map(int, version.split("."))) >= (2, 37) else {}
    return caller.at(version).post("/servers", {"server": {**networks, **body}})


@pytest.mark.parametrize(("name", "value", "without", "having"), FIELDS, ids=[field[0] for field in FIELDS])
def test_fields_of_other_microversions_are_refused(
    admin: ComputeCaller, wanted: dict[str, Any], name: str, value: Any, without: str, having: str
) -> None:
    message = f"Additional properties are not allowed ('{name}' was unexpected) in this microversion"
    refused = create(admin, without, {**wanted, name: value})
    assert (refused.status_code, refused.json()["badRequest"]["message"]) == (400, message)
    answer = create(admin, having, {**wanted, name: value})
    assert message not in answer.content.decode()


def test_the_table_above_has_every_field_with_a_version() -> None:
    assert set(ServerCreate.versions) == {field[0] for field in FIELDS}
    assert set(ServerUpdate.versions) == {"description", "hostname", "pinned_availability_zone"}


@pytest.mark.parametrize(
    ("version", "networks", "message"),
    [("2.36", "auto", "need microversion 2.37"), ("2.37", None, "networks"), ("2.36", None, "")],
)
def test_networks_by_microversion(
    alice: ComputeCaller, wanted: dict[str, Any], version: str, networks: Any, message: str
) -> None:
    body = {**wanted, **({"networks": networks} if networks else {})}
    answer = alice.at(version).post("/servers", {"server": body})
    assert answer.status_code == (400 if message else 202), answer.content
    assert message in answer.content.decode()


def test_each_server_is_a_row_of_its_own(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    more = {"min_count": 3, "metadata": {"a": "b"}, "tags": ["y", "x", "y"], "hostname": "h", "accessIPv4": ""}
    assert create(alice, "2.96", {**wanted, **more}).status_code == 202
    rows = list(Server.objects.order_by("launch_index"))
    assert [row.name for row in rows] == ["vm-1", "vm-2", "vm-3"]
    assert [row.hostname for row in rows] == ["h-1", "h-2", "h-3"]
    assert len({row.id for row in rows}) == 3 and len({row.reservation_id for row in rows}) == 1
    assert all(row.created_at == row.updated_at for row in rows)
    assert all(row.metadata == {"a": "b"} and row.tags == ["x", "y"] and row.access_ip_v4 is None for row in rows)
    assert BlockDevice.objects.filter(kind="root", device="vda").count() == 3


def test_null_is_no_value(alice: ComputeCaller, wanted: dict[str, Any], settings: Any) -> None:
    settings.FORCE_CONFIG_DRIVE = False
    nothing = dict.fromkeys(("user_data", "config_drive", "description", "accessIPv6", "key_name", "availability_zone"))
    assert create(alice, "2.96", {**wanted, **nothing}).status_code == 202
    row = Server.objects.get()
    assert (row.user_data, row.config_drive, row.description, row.access_ip_v6) == ("", False, None, None)
    assert (row.key_name, row.public_key, row.requested_zone) == (None, "", "")


@pytest.mark.parametrize("text", ["not base64", "YQ", "YWFh" * 16384])
def test_user_data_is_base64_of_a_bounded_length(alice: ComputeCaller, wanted: dict[str, Any], text: str) -> None:
    answer = create(alice, "2.96", {**wanted, "user_data": text})
    assert answer.status_code == 400 and "field/attribute user_data: it is" in answer.content.decode()
    assert create(alice, "2.96", {**wanted, "user_data": "YWFh\nYWFh"}).status_code == 202
    assert Server.objects.get().user_data == "YWFhYWFh"


def test_an_update_changes_what_it_names(alice: ComputeCaller, server: Server) -> None:
    Server.objects.update(description="old", access_ip_v4="10.0.0.1", access_ip_v6="fd00::1")
    path = f"/servers/{server.id}"
    assert alice.at("2.18").put(path, {"server": {"description": "x"}}).status_code == 400
    changed = alice.at("2.90").put(path, {"server": {"accessIPv4": None, "OS-DCF:diskConfig": "AUTO"}})
    assert changed.status_code == 200, changed.content
    server.refresh_from_db()
    assert (server.access_ip_v4, server.access_ip_v6, server.description) == (None, "fd00::1", "old")
    assert server.disk_config == "AUTO"
