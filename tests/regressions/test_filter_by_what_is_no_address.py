"""``GET /subnets?gateway_ip=x`` compared a text with an inet: 500. And a filter's refusal did not name the filter."""

import pytest

from apps.common.exceptions import BadRequest
from apps.networking.api import filters
from apps.networking.models import Network, Subnet


@pytest.mark.django_db
def test_gateway() -> None:
    for value in ("x", "10.0.0.1%eth0", "10.0.0.300", "\0"):
        assert list(filters.apply(Subnet.objects.all(), {"gateway_ip": [value]}, filters.SUBNETS)) == []


def test_refusals_name_the_filter() -> None:
    for name in ("admin_state_up", "mtu"):
        with pytest.raises(BadRequest, match=name):
            filters.apply(Network.objects.all(), {name: ["maybe"]}, filters.NETWORKS)
