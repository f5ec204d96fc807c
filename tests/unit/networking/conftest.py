"""A project, another one, an administrator, and a network with a subnet."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.networking.models import Network
from apps.networking.services import networks, subnets
from tests.callers import Caller

PREFIX = "/network/v2.0"


@pytest.fixture
def alice(db: None) -> Caller:
    return Caller(PREFIX)


@pytest.fixture
def bob(db: None) -> Caller:
    return Caller(PREFIX)


@pytest.fixture
def admin(db: None) -> Caller:
    return Caller(PREFIX, admin=True)


@pytest.fixture
def make_network() -> Callable[..., Network]:
    def make(owner: Caller, cidr: str | None = "10.9.0.0/24", **values: Any) -> Network:
        network = networks.create(context=owner.context, values={"name": "n", **values})
        if cidr:
            subnets.create(
                context=owner.context,
                network=network,
                values={"network_id": network.id, "cidr": cidr, "ip_version": 6 if ":" in cidr else 4},
            )
        return network

    return make


@pytest.fixture
def network(alice: Caller, make_network: Callable[..., Network]) -> Network:
    return make_network(alice)
