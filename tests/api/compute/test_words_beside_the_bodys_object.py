"""Compute accepted ``{"aggregate": {…}, "y": 1}``, which Nova refuses, and ignored the misplaced key."""

from typing import Any

import pytest

from apps.compute.models import Flavor, Server
from apps.scheduling.models import Aggregate, Host
from tests.api.compute.conftest import ComputeCaller
from tests.callers import Caller
from tests.isolation.bodies import KEY

pytestmark = pytest.mark.django_db

BODIES = [
    ("POST", "/servers", {"server": {"name": "s", "flavorRef": "7", "imageRef": "x", "networks": "none"}}),
    ("PUT", "/servers/{server}", {"server": {"name": "new"}}),
    ("POST", "/servers/{server}/metadata", {"metadata": {"k": "new"}}),
    ("PUT", "/servers/{server}/metadata", {"metadata": {"k": "new"}}),
    ("PUT", "/servers/{server}/metadata/k", {"meta": {"k": "new"}}),
    ("PUT", "/servers/{server}/tags", {"tags": ["new"]}),
    ("POST", "/servers/{server}/action", {"lock": None}),
    ("POST", "/flavors", {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 1}}),
    ("PUT", "/flavors/7", {"flavor": {"description": "new"}}),
    ("POST", "/flavors/7/os-extra_specs", {"extra_specs": {"k": "new"}}),
    ("PUT", "/flavors/7/os-extra_specs/k", {"k": "new"}),
    ("POST", "/flavors/7/action", {"addTenantAccess": {"tenant": "{project}"}}),
    ("POST", "/os-keypairs", {"keypair": {"name": "new", "type": "ssh", "public_key": KEY}}),
    ("POST", "/os-aggregates", {"aggregate": {"name": "new"}}),
    ("PUT", "/os-aggregates/{aggregate}", {"aggregate": {"name": "new"}}),
    ("POST", "/os-aggregates/{aggregate}/action", {"set_metadata": {"metadata": {"k": "new"}}}),
    ("POST", "/os-server-groups", {"server_group": {"name": "new", "policy": "affinity"}}),
    ("PUT", "/os-quota-sets/{project}", {"quota_set": {"instances": 7}}),
    ("PUT", "/os-quota-class-sets/default", {"quota_class_set": {"instances": 7}}),
    ("PUT", "/os-services/{host}", {"status": "disabled"}),
]


@pytest.fixture
def ids(admin: ComputeCaller, server: Server, flavor: Flavor, make_host: Any) -> dict[str, str]:
    Server.objects.update(metadata={"k": "old"})
    Flavor.objects.update(extra_specs={"k": "old"}, is_public=False)
    make_host("h1", 1)
    return {
        "server": str(server.id), "project": str(admin.project_id), "host": str(Host.objects.get().id),
        "aggregate": str(Aggregate.objects.create(name="old").id),
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), BODIES, ids=[f"{one[0]} {one[1]}" for one in BODIES])
def test_they_are_refused(admin: ComputeCaller, ids: dict[str, str], method: str, path: str, body: Any) -> None:
    refused = admin.at("2.96").call(method.lower(), path.format(**ids), {**body, "y": 1, "x": {}})
    assert refused.status_code == 400, refused.content
    if "action" not in path and "extra_specs" not in path:
        assert (
            "Additional properties are not allowed ('x', 'y' was unexpected)" in refused.json()["badRequest"]["message"]
        )
    text = str([list(model.objects.values()) for model in (Server, Flavor, Aggregate, Host)])
    assert "new" not in text and Host.objects.get().enabled


def test_hints_stand_beside_a_new_server(alice: ComputeCaller, flavor: Flavor) -> None:
    """A missing image is reported only if all keys beside the server are known."""
    wanted = {"server": {"name": "s", "flavorRef": "7", "imageRef": "", "networks": "none"}}
    for beside in ({"os:scheduler_hints": {}}, {"OS-SCH-HNT:scheduler_hints": {"k": "v"}}, {}):
        refused = alice.at("2.96").post("/servers", {**wanted, **beside})
        assert "an image is required" in refused.json()["badRequest"]["message"]
    refused = alice.put("/servers/x", {"server": {"name": "s"}, "os:scheduler_hints": {}})
    assert refused.status_code in (400, 404)


def test_identity_and_networking_stay_as_lenient_as_theirs(admin: ComputeCaller) -> None:
    for prefix, path, body in (
        ("/identity/v3", "/roles", {"role": {"name": "new"}}),
        ("/network/v2.0", "/networks", {"network": {"name": "new"}}),
    ):
        caller = Caller(prefix, admin=True, project_id=admin.project_id)
        assert caller.post(path, {**body, "y": 1}).status_code == 201
