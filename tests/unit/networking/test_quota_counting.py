"""The network service's limits in the one quota system: each resource, its usage, races, and statements."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from apps.common.exceptions import BadRequest
from apps.networking import exceptions
from apps.networking.models import Network
from apps.networking.selectors import quotas as selectors
from apps.networking.services import quotas
from apps.quotas import registry
from apps.quotas.selectors import limits, usages
from apps.quotas.services import counting
from apps.quotas.services import limits as limit_services
from tests.unit.networking.dialogue import Caller, refusal


@pytest.mark.django_db
def test_every_resource_is_registered(settings: Any) -> None:
    assert {resource.name for resource in registry.of_service("network")} == set(settings.NETWORK_QUOTAS)
    assert {resource.name for resource in registry.of_service("image")} == set(settings.IMAGE_QUOTAS)
    assert {resource.name for resource in registry.of_service("compute")} == set(settings.QUOTA_DEFAULTS)
    assert {resource.name for resource in registry.of_service("volume")} == set(settings.VOLUME_QUOTAS)
    assert limits.known() == {
        **settings.NETWORK_QUOTAS, **settings.IMAGE_QUOTAS, **settings.QUOTA_DEFAULTS, **settings.VOLUME_QUOTAS
    }  # fmt: skip


@pytest.mark.django_db
def test_own_limit_then_the_general_one_then_the_setting() -> None:
    project = uuid.uuid4().hex
    assert limits.of(owner_id=project, resource="network") == 100
    limit_services.set_many(owner_id="default", values={"network": 7}, force=True)
    assert limits.of(owner_id=project, resource="network") == 7
    limit_services.set_many(owner_id=project, values={"network": 3}, force=True)
    assert selectors.of_project(project_id=project)["network"] == 3
    assert selectors.defaults()["network"] == 7


@pytest.mark.django_db
def test_both_apis_write_the_same_rows(alice: Caller, admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the network service is a row of the quotas, and a reset drops that service's rows alone."""
    monkeypatch.setattr(quotas.projects, "find", lambda project_id: project_id)
    limit_services.set_many(owner_id=alice.project_id, values={"cores": 5}, force=True)
    answer = admin.put(f"/quotas/{alice.project_id}", {"quota": {"network": 1}})
    assert answer.json()["quota"]["network"] == 1
    assert limits.of_owner(owner_id=alice.project_id)["network"] == 1
    assert admin.delete(f"/quotas/{alice.project_id}").status_code == 204
    assert limits.of_owner(owner_id=alice.project_id)["network"] == 100
    assert limits.of_owner(owner_id=alice.project_id)["cores"] == 5


@pytest.mark.django_db
def test_usage_is_the_rows(alice: Caller) -> None:
    for name in ("a", "b"):
        Network.objects.create(project_id=alice.project_id, name=name, mtu=1500)
    assert selectors.usage(project_id=alice.project_id)["network"] == 2
    assert usages.count(owner_id=alice.project_id, resource="network") == 2


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [0, 1, 2])
def test_the_last_one_fits(alice: Caller, limit: int) -> None:
    limit_services.set_many(owner_id=alice.project_id, values={"network": limit}, force=True)
    codes = [alice.post("/networks", {"network": {}}).status_code for _ in range(3)]
    assert codes == [201] * limit + [409] * (3 - limit)


@pytest.mark.django_db
def test_the_refusal_names_the_resource(alice: Caller) -> None:
    limit_services.set_many(owner_id=alice.project_id, values={"network": 0}, force=True)
    code, kind, message = refusal(alice.post("/networks", {"network": {}}))
    assert (code, kind) == (409, "OverQuota") and "network" in message


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "statements"),
    [
        (lambda project: quotas.check(resource="network", project_id=project), 3),
        (lambda project: quotas.check_ports(project_id=project, adding=lambda: 2), 3),
    ],
    ids=["with a lock", "ports of servers"],
)
def test_statements(django_assert_num_queries: Any, call: Callable[[str], None], statements: int) -> None:
    with django_assert_num_queries(statements):
        call(uuid.uuid4().hex)


@pytest.mark.django_db
def test_ports_of_servers(alice: Caller) -> None:
    limit_services.set_many(owner_id=alice.project_id, values={"port": 4}, force=True)
    quotas.check_ports(project_id=alice.project_id, adding=lambda: 4)
    with pytest.raises(exceptions.OverQuota):
        quotas.check_ports(project_id=alice.project_id, adding=lambda: 5)


@pytest.mark.django_db
@pytest.mark.parametrize(("limit", "force"), [(2, False), (1, True), (-1, False)])
def test_limits_at_the_usage_or_forced(alice: Caller, limit: int, force: bool) -> None:
    for name in ("a", "b"):
        Network.objects.create(project_id=alice.project_id, name=name, mtu=1500)
    limit_services.set_many(owner_id=alice.project_id, values={"network": limit}, force=force)
    assert limits.of(owner_id=alice.project_id, resource="network") == limit
    with pytest.raises(BadRequest, match="already used and reserved 2"):
        limit_services.set_many(owner_id=alice.project_id, values={"network": 1})


@pytest.mark.django_db
def test_usage_in_the_unit_of_limits() -> None:
    """Image sizes are counted in bytes and limited in MiB."""
    resource = registry.Resource(
        name="size", service="test", setting="IMAGE_QUOTAS", count=lambda owner: 1024 * 1024 + 1, unit=1024 * 1024
    )
    registry.register([resource])
    try:
        assert usages.counted_in_units(owner_id="p", resource=resource) == 2
    finally:
        registry._resources.pop("size")


@pytest.mark.django_db
def test_unlimited_asks_for_the_limit_alone(django_assert_num_queries: Any) -> None:
    project = uuid.uuid4().hex
    limit_services.set_many(owner_id=project, values={"network": -1}, force=True)
    with django_assert_num_queries(1):
        counting.check(resource="network", owner_id=project, adding=10**6)


@pytest.mark.django_db(transaction=True)
def test_writers_at_one_time_do_not_exceed_the_limit() -> None:
    project = uuid.uuid4().hex
    limit_services.set_many(owner_id=project, values={"network": 3}, force=True)

    def add(number: int) -> bool:
        try:
            with transaction.atomic():
                quotas.check(resource="network", project_id=project)
                Network.objects.create(project_id=project, name=str(number), mtu=1500)
        except exceptions.OverQuota:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(8)))
    assert sum(added) == Network.objects.filter(project_id=project).count() == 3
