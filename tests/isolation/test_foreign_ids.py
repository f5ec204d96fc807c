"""Security class 9: ids of another project in the body of a POST to a collection of one's own (OSSA 2013-001)."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.common import dispatch
from apps.compute.models import Flavor, KeyPair
from apps.images.models import Image
from apps.networking.models import Port
from apps.networking.selectors import bindings
from tests.isolation.belongings import Belongings, Person

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
Rows = Callable[[], dict[str, str]]


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "send", lambda *args, **kwargs: None)


@pytest.fixture
def theirs(bobs: Belongings) -> dict[str, str]:
    """What belongs to bob, with an image that could be booted."""
    image = _bootable(bobs.values["project_id"], "private")
    return {**bobs.values, **{f"{noun}_id": pk for noun, pk in bobs.items.items()}, "image_id": image}


@pytest.fixture
def own(alice: Person) -> dict[str, str]:
    def make(collection: str, noun: str, **values: Any) -> str:
        return str(alice.call("post", f"/network/v2.0/{collection}", {noun: values}).json()[noun]["id"])

    network = make("networks", "network", name="n")
    make("subnets", "subnet", network_id=network, ip_version=4, cidr="10.9.0.0/24")
    flavor = Flavor.objects.create(name="own", flavor_id="own", ram_mib=64, vcpus=1, disk_gib=0)
    KeyPair.objects.create(user_id=alice.user.pk, name="own", public_key="x", fingerprint="y")
    return {
        "network": network,
        "port": make("ports", "port", network_id=network),
        "group": make("security-groups", "security_group", name="g"),
        "image": _bootable(alice.project.pk, "private"),
        "flavor": flavor.flavor_id,
        "project": alice.project.pk,
        "user": alice.user.pk,
    }


def _bootable(project_id: str, visibility: str) -> str:
    image = Image.objects.create(
        name="i", project_id=project_id, visibility=visibility, status="active", disk_format="raw",
        container_format="bare", size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    return str(image.id)


SERVER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("image", {"imageRef": "{image_id}"}, {}),
    ("flavor", {"flavorRef": "{flavor_id}"}, {}),
    ("network", {"networks": [{"uuid": "{networks_id}"}]}, {}),
    ("port", {"networks": [{"port": "{ports_id}"}]}, {}),
    ("security group", {"networks": [{"uuid": "{network}"}],
                        "security_groups": [{"name": "{security-groups_id}"}]}, {}),
    ("key pair", {"key_name": "{keypair}"}, {}),
    ("server group", {}, {"os:scheduler_hints": {"group": "{server_group_id}"}}),
    ("image of a disk", {"block_device_mapping_v2": [{"boot_index": 0, "uuid": "{image_id}", "source_type": "image",
                                                      "destination_type": "local"}]}, {}),
]  # fmt: skip


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    return value.format(**known) if isinstance(value, str) else value


def test_a_server_of_ones_own_is_made(alice: Person, own: dict[str, str]) -> None:
    """Otherwise the refusals below would prove nothing."""
    body = _body(own, {"networks": [{"port": own["port"]}], "key_name": "own"}, {})
    assert alice.call("post", "/compute/v2.1/servers", body).status_code == 202


def _body(own: dict[str, str], server: dict[str, Any], beside: dict[str, Any]) -> dict[str, Any]:
    base = {"name": "s", "imageRef": own["image"], "flavorRef": own["flavor"], "networks": "none"}
    return {"server": {**base, **server}, **beside}


@pytest.mark.parametrize(("what", "server", "beside"), SERVER, ids=[case[0] for case in SERVER])
def test_servers(
    alice: Person, own: dict[str, str], theirs: dict[str, str], rows: Rows, what: str, server: Any, beside: Any
) -> None:
    known, before = {**theirs, **own}, rows()
    body = _body(own, _filled(server, known), _filled(beside, known))
    answer = alice.call("post", "/compute/v2.1/servers", body)
    assert answer.status_code in (400, 403, 404), (what, answer.content)
    _unchanged(before, rows())


def _unchanged(before: dict[str, str], after: dict[str, str]) -> None:
    assert [table for table in before if before[table] != after[table]] == []


PORT = {"network_id": "{network}"}
OTHERS: list[tuple[str, Any]] = [
    ("/network/v2.0/networks", {"network": {"name": "n", "project_id": "{project_id}"}}),
    ("/network/v2.0/networks", {"network": {"name": "n", "tenant_id": "{project_id}"}}),
    ("/network/v2.0/subnets", {"subnet": {"network_id": "{networks_id}", "ip_version": 4, "cidr": "10.8.0.0/24"}}),
    ("/network/v2.0/ports", {"port": {**PORT, "project_id": "{project_id}"}}),
    ("/network/v2.0/ports", {"port": {**PORT, "fixed_ips": [{"subnet_id": "{subnets_id}"}]}}),
    ("/network/v2.0/ports", {"port": {**PORT, "security_groups": ["{security-groups_id}"]}}),
    ("/network/v2.0/ports", {"port": {"network_id": "{networks_id}"}}),
    ("/network/v2.0/security-groups", {"security_group": {"name": "g", "project_id": "{project_id}"}}),
    ("/network/v2.0/security-group-rules",
     {"security_group_rule": {"security_group_id": "{security-groups_id}", "direction": "ingress"}}),
    ("/network/v2.0/security-group-rules",
     {"security_group_rule": {"security_group_id": "{group}", "direction": "ingress",
                              "remote_group_id": "{security-groups_id}"}}),
    ("/image/v2/images", {"name": "i", "owner": "{project_id}"}),
    ("/image/v2/images", {"name": "i", "id": "{image_id}"}),
    ("/identity/v3/credentials", {"credential": {"type": "t", "blob": "b", "user_id": "{user_id}"}}),
    ("/identity/v3/OS-TRUST/trusts",
     {"trust": {"trustor_user_id": "{user}", "trustee_user_id": "{user_id}", "project_id": "{project_id}",
                "impersonation": True, "roles": [{"name": "member"}]}}),
    ("/identity/v3/OS-TRUST/trusts",
     {"trust": {"trustor_user_id": "{user_id}", "trustee_user_id": "{user}", "project_id": "{project_id}",
                "impersonation": True, "roles": [{"name": "member"}]}}),
    ("/identity/v3/users/{user}/application_credentials",
     {"application_credential": {"name": "x", "access_rules": [{"id": "{rule_id}"}]}}),
    ("/identity/v3/projects", {"project": {"name": "p", "parent_id": "{project_id}"}}),
    ("/compute/v2.1/os-keypairs", {"keypair": {"name": "k", "user_id": "{user_id}"}}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), OTHERS, ids=[f"{case[0]} {number}" for number, case in enumerate(OTHERS)])
def test_other_collections(
    alice: Person, own: dict[str, str], theirs: dict[str, str], rows: Rows, path: str, body: Any
) -> None:
    known, before = {**theirs, **own}, rows()
    answer = alice.call("post", _filled(path, known), _filled(body, known))
    assert answer.status_code in (400, 403, 404, 409), answer.content
    _unchanged(before, rows())


def test_a_port_with_the_id_of_anothers_server_is_none_of_its_own(
    alice: Person, bob: Person, own: dict[str, str], theirs: dict[str, str]
) -> None:
    """OSSA 2014-008: ``device_id`` plugs nothing in, and is refused once the owner of the server has used it."""
    body = {"port": {"network_id": own["network"], "device_id": theirs["server_id"]}}
    made = alice.call("post", "/network/v2.0/ports", body)
    assert made.status_code == 201
    shown = bob.call("get", f"/compute/v2.1/servers/{theirs['server_id']}").json()["server"]
    assert shown["addresses"] == {}
    assert bindings.specs_for_server(server_id=uuid.UUID(theirs["server_id"])) == ()
    Port.objects.filter(pk=made.json()["port"]["id"]).delete()
    Port.objects.filter(pk=theirs["ports_id"]).update(device_id=theirs["server_id"])
    assert alice.call("post", "/network/v2.0/ports", body).status_code == 409
