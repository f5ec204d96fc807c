"""OpenAPI describes every route of compute."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from apps.compute.api.routes import ROUTES
from apps.compute.api.routes_not_offered import NOT_OFFERED_ROUTES

pytestmark = pytest.mark.django_db


def test_every_route_is_described() -> None:
    described = set(SchemaGenerator().get_schema(request=None, public=True)["paths"])
    for route in ROUTES:
        if route in NOT_OFFERED_ROUTES:
            continue  # it only says so
        assert f"/compute/v2.1/{str(route.pattern).replace('<', '{').replace('>', '}')}" in described
