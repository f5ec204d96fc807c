"""A member's rows are limited: with room for one more row, one is made and the next is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps

from apps.common import dispatch
from apps.compute.models import Flavor
from apps.images.models import Image
from apps.quotas.models import Limit
from apps.volumes.models import GroupType, Volume, VolumeType
from tests.architecture.test_limits_of_rows import LIMITS, Quota, Setting
from tests.isolation.belongings import Person, external

pytestmark = pytest.mark.django_db
REFUSED = (400, 403, 409, 413)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0jlQpPGbbCNTuvXI7HvmSiHDaPQTN7PmjM3ZLLOjbN"
RULE = {"path": "/v2.1/servers", "method": "GET", "service": "compute"}


@dataclass(frozen=True)
class Make:
    """How a member makes a row: ``body(person, number)`` is sent to ``path``; ``owner`` is the column of its owner."""

    path: str
    body: Callable[[Person, int], dict[str, Any]]
    owner: str = "project_id"

    def owner_of(self, person: Person) -> str:
        return str(person.project.pk if self.owner.startswith("project") else person.user.pk)

    def send(self, person: Person, number: int) -> Any:
        return person.call("post", self.path.format(user=person.user.pk), self.body(person, number))


def _existing(person: Person, collection: str) -> str:
    """Return the id of a network or security group of the person's, made where there is none."""
    noun = collection[:-1].replace("-", "_")
    listed = person.call("get", f"/network/v2.0/{collection}?project_id={person.project.pk}").json()
    rows = listed[collection.replace("-", "_")]
    if rows:
        return str(rows[0]["id"])
    return str(person.call("post", f"/network/v2.0/{collection}", {noun: {"name": "x"}}).json()[noun]["id"])


def _server(person: Person, number: int) -> dict[str, Any]:
    flavor, _ = Flavor.objects.get_or_create(flavor_id="7", name="f7", vcpus=1, ram_mib=64, disk_gib=0)
    image, _ = Image.objects.get_or_create(
        name="i", project_id="x", visibility="public", status="active", disk_format="raw", container_format="bare",
        size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    wanted = {"name": f"s{number}", "imageRef": str(image.id), "flavorRef": flavor.flavor_id, "networks": "none"}
    return {"server": wanted}


def _subnet(person: Person, number: int) -> dict[str, Any]:
    values = {"network_id": _existing(person, "networks"), "ip_version": 4, "cidr": f"10.66.{number}.0/24"}
    return {"subnet": values}


def _floating_ip(person: Person, number: int) -> dict[str, Any]:
    return {"floatingip": {"floating_network_id": external(f"public-{number}", 200 + number)}}


def _trunk(person: Person, number: int) -> dict[str, Any]:
    body = {"port": {"network_id": _existing(person, "networks")}}
    return {"trunk": {"port_id": person.call("post", "/network/v2.0/ports", body).json()["port"]["id"]}}


def _sharing(person: Person, number: int) -> dict[str, Any]:
    values = {"object_type": "network", "object_id": _existing(person, "networks"), "action": "access_as_shared"}
    return {"rbac_policy": {**values, "target_tenant": f"{number}" * 32}}


def _rule(person: Person, number: int) -> dict[str, Any]:
    values = {"security_group_id": _existing(person, "security-groups"), "direction": "ingress", "protocol": "tcp"}
    return {"security_group_rule": {**values, "port_range_min": 80 + number, "port_range_max": 80 + number}}


def _snapshot(person: Person, number: int) -> dict[str, Any]:
    volume, _ = Volume.objects.get_or_create(
        project_id=person.project.pk, user_id=person.user.pk, size=1, status="available"
    )
    return {"snapshot": {"volume_id": str(volume.id), "name": f"s{number}"}}


def _backup(person: Person, number: int) -> dict[str, Any]:
    return {"backup": {"volume_id": _snapshot(person, number)["snapshot"]["volume_id"], "force": True}}


def _group(person: Person, number: int) -> dict[str, Any]:
    together, _ = GroupType.objects.get_or_create(name="together")
    kind, _ = VolumeType.objects.get_or_create(name="kind")
    return {"group": {"name": f"g{number}", "group_type": str(together.id), "volume_types": [str(kind.id)]}}


def _trust(person: Person, number: int) -> dict[str, Any]:
    values = {"trustor_user_id": person.user.pk, "trustee_user_id": person.user.pk, "impersonation": False}
    return {"trust": {**values, "project_id": person.project.pk, "roles": [{"name": "member"}]}}


def _credential(**more: Any) -> Callable[[Person, int], dict[str, Any]]:
    return lambda person, number: {"application_credential": {"name": f"c{number}", **more}}


def _with_rule(person: Person, number: int) -> dict[str, Any]:
    return _credential(access_rules=[{**RULE, "path": f"/v2.1/{number}"}])(person, number)


CREDENTIALS = "/identity/v3/users/{user}/application_credentials"
MADE: dict[str, Make] = {
    "images.Image": Make(
        "/image/v2/images", lambda person, number: {"name": "x", "disk_format": "raw", "container_format": "bare"}
    ),
    "networking.Network": Make("/network/v2.0/networks", lambda person, number: {"network": {"name": "n"}}),
    "networking.Subnet": Make("/network/v2.0/subnets", _subnet),
    "networking.AddressGroup": Make(
        "/network/v2.0/address-groups", lambda person, number: {"address_group": {"name": "a"}}
    ),
    "networking.AddressScope": Make(
        "/network/v2.0/address-scopes", lambda person, number: {"address_scope": {"ip_version": 4}}
    ),
    "networking.RbacPolicy": Make("/network/v2.0/rbac-policies", _sharing),
    "networking.SubnetPool": Make(
        "/network/v2.0/subnetpools",
        lambda person, number: {"subnetpool": {"name": "p", "prefixes": [f"10.{number}.0.0/16"]}},
    ),
    "networking.FloatingIP": Make("/network/v2.0/floatingips", _floating_ip),
    "networking.Router": Make("/network/v2.0/routers", lambda person, number: {"router": {"name": "r"}}),
    "networking.Trunk": Make("/network/v2.0/trunks", _trunk),
    "networking.Port": Make(
        "/network/v2.0/ports", lambda person, number: {"port": {"network_id": _existing(person, "networks")}}
    ),
    "networking.SecurityGroup": Make(
        "/network/v2.0/security-groups", lambda person, number: {"security_group": {"name": f"g{number}"}}
    ),
    "networking.SecurityGroupRule": Make("/network/v2.0/security-group-rules", _rule),
    "compute.Server": Make("/compute/v2.1/servers", _server),
    "compute.ServerGroup": Make(
        "/compute/v2.1/os-server-groups",
        lambda person, number: {"server_group": {"name": f"g{number}", "policy": "affinity"}},
    ),
    "compute.KeyPair": Make(
        "/compute/v2.1/os-keypairs",
        lambda person, number: {"keypair": {"name": f"k{number}", "public_key": KEY, "type": "ssh"}},
        owner="user_id",
    ),
    "volumes.Volume": Make("/volume/v3/volumes", lambda person, number: {"volume": {"size": 1}}),
    "volumes.Backup": Make("/volume/v3/backups", _backup),
    "volumes.Group": Make("/volume/v3/groups", _group),
    "volumes.Snapshot": Make("/volume/v3/snapshots", _snapshot),
    "identity.ApplicationCredential": Make(CREDENTIALS, _credential(), owner="user_id"),
    "identity.AccessRule": Make(CREDENTIALS, _with_rule, owner="user_id"),
    "identity.Credential": Make(
        "/identity/v3/credentials",
        lambda person, number: {"credential": {"type": "x", "blob": f"b{number}", "user_id": person.user.pk}},
        owner="user_id",
    ),
    "identity.Trust": Make("/identity/v3/OS-TRUST/trusts", _trust, owner="trustor_id"),
}
NOT_ASKED_FOR = {"identity.FormerPassword"}  # no call makes one: changing a password keeps the last few


def test_every_countable_model_is_made_here() -> None:
    countable = {model for model, line in LIMITS.items() if isinstance(line, Quota | Setting)}
    assert countable == set(MADE) | NOT_ASKED_FOR


@pytest.mark.parametrize("label", sorted(MADE))
def test_the_row_beyond_the_limit_is_refused(
    bob: Person, label: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)
    make, line = MADE[label], LIMITS[label]
    make.body(bob, 0)  # what the row hangs on is there
    _existing(bob, "security-groups")
    rows = apps.get_model(label).objects.filter(**{make.owner: make.owner_of(bob)})
    limit = rows.count() + 1
    if isinstance(line, Quota):
        Limit.objects.create(owner_id=bob.project.pk, resource=line.resource, value=limit)  # those of a user's rows too
    elif isinstance(line, Setting):
        setattr(settings, line.name, limit)
    made = make.send(bob, 1)
    assert made.status_code in (200, 201, 202), made.content
    refused = make.send(bob, 2)
    assert refused.status_code in REFUSED, refused.content
    assert rows.count() == limit
