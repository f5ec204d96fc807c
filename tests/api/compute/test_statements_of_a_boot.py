"""The statements of an accepted server: quotas cost a boot no more than before they counted every service."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.networking.models import Network, Subnet
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.django_db
WITHOUT_NETWORK, WITH_ONE, WITH_TWO = 9, 11, 16


@pytest.fixture
def networks(alice: ComputeCaller) -> list[str]:
    rows = [Network.objects.create(project_id=alice.project_id, name=f"n{number}", mtu=1500) for number in range(2)]
    for number, network in enumerate(rows):
        Subnet.objects.create(
            network=network,
            project_id=alice.project_id,
            ip_version=4,
            cidr=f"10.{number}.0.0/24",
            gateway_ip=f"10.{number}.0.1",
            allocation_pools=[{"start": f"10.{number}.0.2", "end": f"10.{number}.0.254"}],
        )
    return [str(network.id) for network in rows]


@pytest.mark.parametrize(("count", "statements"), [(0, WITHOUT_NETWORK), (1, WITH_ONE), (2, WITH_TWO)])
def test_statements_of_a_post(
    alice: ComputeCaller, wanted: dict[str, Any], networks: list[str], no_broker: Any, count: int, statements: int
) -> None:
    """The first server of a project creates its usage rows; the second is like all others. Two networks: the quota of
    ports is checked too, by 5 statements: the limit, a lock, the count, and what servers before are still to get.
    """
    wanted["networks"] = [{"uuid": key} for key in networks[:count]] or "none"
    body = {"server": wanted}
    assert alice.at("2.96").post("/servers", body).status_code == 202
    with CaptureQueriesContext(connection) as queries:
        assert alice.at("2.96").post("/servers", body).status_code == 202
    texts = [query["sql"] for query in queries]
    assert len(texts) == statements, texts
