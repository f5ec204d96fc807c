"""One request for a thousand servers cost 18 seconds before it was refused; and several shared one port or address."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common import dispatch
from apps.compute.models import Flavor, Server
from apps.images.models import Image
from apps.networking.services import bootstrap
from tests.callers import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)
    return Caller("/compute/v2.1")


@pytest.fixture
def body(member: Caller) -> dict[str, Any]:
    flavor = Flavor.objects.create(flavor_id="tiny", name="tiny", vcpus=1, ram_mib=64, disk_gib=1)
    image = Image.objects.create(
        name="i", project_id="x", visibility="public", status="active", disk_format="raw", container_format="bare",
        size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    return {"name": "vm", "imageRef": str(image.id), "flavorRef": flavor.flavor_id}


def post(member: Caller, body: dict[str, Any], **more: Any) -> Any:
    return member.call("post", "/servers", body, headers={"OpenStack-API-Version": "compute 2.96"}, **more)


def test_as_many_as_the_quota_has_room_for(member: Caller, body: dict[str, Any]) -> None:
    server = {**body, "networks": "none", "min_count": 1, "max_count": 1000}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(member, {"server": server}).status_code == 202
    assert Server.objects.count() == 10  # the default quota
    assert len(queries) < 40


def test_fewer_than_asked_at_least_is_refused_and_writes_nothing(member: Caller, body: dict[str, Any]) -> None:
    answer = post(member, {"server": {**body, "networks": "none", "min_count": 11, "max_count": 1000}})
    assert answer.status_code == 403
    assert "Requested 11, but already used 0 of 10 instances" in answer.json()["forbidden"]["message"]
    assert not Server.objects.exists()


@pytest.mark.parametrize("key", ["port", "fixed_ip"])
def test_a_port_or_an_address_is_for_one_server(member: Caller, body: dict[str, Any], key: str) -> None:
    network = bootstrap.ensure_shared_network(project_id=member.project_id, name="n", cidr="10.9.0.0/24")
    wanted = {"uuid": str(network), "fixed_ip": "10.9.0.77"}
    if key == "port":
        made = Caller("/network", project_id=member.project_id).post(
            "/v2.0/ports", {"port": {"network_id": str(network)}}
        )
        wanted = {"port": made.json()["port"]["id"]}
    answer = post(member, {"server": {**body, "networks": [wanted], "min_count": 2}})
    assert answer.status_code == 400
    assert not Server.objects.exists()


@pytest.mark.parametrize("hints", [{"a": "x\0"}, {"a\0": "x"}, {"a": ["y" * 1000] * 100}])
def test_hints_are_bounded_texts(member: Caller, body: dict[str, Any], hints: dict[str, Any]) -> None:
    answer = post(member, {"server": {**body, "networks": "none"}, "os:scheduler_hints": hints})
    assert answer.status_code == 400
    assert "os:scheduler_hints" in answer.json()["badRequest"]["message"]


@pytest.mark.parametrize("pattern", ["a{300}", "(?P<x>a)", "[[:foo:]]"])
def test_expressions_that_only_the_database_refuses(member: Caller, pattern: str) -> None:
    assert member.get("/servers", name=pattern).status_code == 400


def test_a_name_that_nothing_has(member: Caller) -> None:
    assert member.get("/servers", name=uuid.uuid4().hex).json() == {"servers": []}
