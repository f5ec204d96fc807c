"""Clients of the compute API (members of two projects, an administrator), a server and hosts."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.common import dispatch
from apps.compute.models import Flavor, Server
from apps.identity.models import Domain, Project
from apps.identity.states import DEFAULT_DOMAIN_ID
from apps.images.models import Image
from apps.scheduling.models import Host, Inventory
from tests.callers import Caller

PREFIX = "/compute/v2.1"


class ComputeCaller(Caller):
    """``at("2.53")`` names the microversion of the calls that follow."""

    version = ""

    def at(self, version: str) -> "ComputeCaller":
        other = ComputeCaller(self.prefix, admin=self.admin, roles=self.roles, project_id=self.project_id)
        other.version = version
        return other

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        if self.version:
            more["headers"] = {"X-OpenStack-Nova-API-Version": self.version}
        return super().call(method, path, body, **more)


def _caller(**values: Any) -> ComputeCaller:
    domain, _ = Domain.objects.get_or_create(id=DEFAULT_DOMAIN_ID, defaults={"name": "Default"})
    caller = ComputeCaller(PREFIX, **values)
    parent = Project.objects.filter(id=domain.id).first()
    Project.objects.create(id=caller.project_id, name=caller.project_id, domain=domain, parent=parent or domain)
    return caller


@pytest.fixture
def alice(db: None) -> ComputeCaller:
    return _caller()


@pytest.fixture
def bob(db: None) -> ComputeCaller:
    return _caller()


@pytest.fixture
def admin(db: None) -> ComputeCaller:
    return _caller(admin=True)


@pytest.fixture
def flavor(db: None) -> Flavor:
    return Flavor.objects.create(flavor_id="7", name="f7", vcpus=2, ram_mib=256, disk_gib=3)


@pytest.fixture
def image(db: None) -> Image:
    return Image.objects.create(
        name="cirros", project_id="x", visibility="public", status="active", disk_format="raw", container_format="bare",
        size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip


@pytest.fixture
def wanted(flavor: Flavor, image: Image) -> dict[str, Any]:
    """The body of POST /servers: a server without networks."""
    return {"name": "vm", "imageRef": str(image.id), "flavorRef": flavor.flavor_id}


@pytest.fixture
def make_server() -> Callable[..., Server]:
    def make(owner: Caller, **values: Any) -> Server:
        flavor = {
            "id": "7",
            "original_name": "f7",
            "vcpus": 2,
            "ram": 256,
            "disk": 3,
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": {},
        }
        defaults = {
            "project_id": owner.project_id,
            "user_id": owner.project_id,
            "name": "s",
            "hostname": "s",
            "vm_state": "active",
            "flavor": flavor,
            "reservation_id": "r-12345678",
        }
        return Server.objects.create(**{**defaults, **values})

    return make


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server]) -> Server:
    return make_server(alice)


@pytest.fixture
def make_host(db: None) -> Callable[..., Host]:
    def make(name: str, number: int, **values: Any) -> Host:
        defaults = {"hypervisor_type": "QEMU", "hypervisor_version": 7002000, "cpu_info": {"arch": "x86_64"}}
        host = Host.objects.create(name=name, number=number, **{**defaults, **values})
        Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, ram_reserved=512, disk_gib=100, ram_used=256)
        return host

    return make


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """Runs are written but never sent. Returns the IDs of those that would have been sent."""
    sent: list[Any] = []
    monkeypatch.setattr(dispatch, "_send", lambda run: sent.append(run.id))
    return sent
