"""Every list filter of every service with hostile values: no 5xx and no slow answer."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from apps.common.exceptions import BadRequest
from apps.compute.models import Flavor
from apps.identity import models as identity
from apps.identity.selectors import filters as identity_filters
from apps.images.api import filters as image_filters
from apps.images.models import Image
from apps.networking import models as networking
from apps.networking.api import filters as network_filters
from tests.api.compute.conftest import ComputeCaller, _caller

pytestmark = pytest.mark.django_db

VALUES = (
    "", "\u00b2", "-1", "9" * 30, "'; SELECT pg_sleep(9); --", "%" * 200, "_" * 200, "\\", "{}", "[", "a,b,,",
    "in:a,\"b",
    "eq:2026-13-45", "lt:9999-12-31T23:59:59Z", "gt:0001-01-01T00:00:00+14:00", "\ufffe", "x" * 5000, "nan", "1e309",
    "::ffff:1.2.3.4", "(.*)*(.*)*x", "ip_address_substr=1", "null",
)  # fmt: skip
TABLES = {
    networking.Network: network_filters.NETWORKS,
    networking.Subnet: network_filters.SUBNETS,
    networking.Port: network_filters.PORTS,
    networking.SecurityGroup: network_filters.SECURITY_GROUPS,
    networking.SecurityGroupRule: network_filters.SECURITY_GROUP_RULES,
}
LOOKUPS = ("", *(f"__{name}" for name in identity_filters._LOOKUPS))


def cases() -> Iterator[tuple[str, Callable[[str], Any]]]:
    for model, table in TABLES.items():
        for name in table:
            yield (
                f"{model.__name__} {name}",
                lambda value, m=model, t=table, n=name: network_filters.apply(m.objects.all(), {n: [value, value]}, t),
            )
    names = {*image_filters.EXACT, *image_filters.NUMBERS, *image_filters.BOOLEANS, *image_filters.TIMES, "tag", "own"}
    for name in names:
        yield f"Image {name}", lambda value, n=name: image_filters.apply(Image.objects.all(), {n: [value]})
    for lookup in LOOKUPS:
        yield (
            f"User name{lookup}",
            lambda value, n=f"name{lookup}": identity_filters.apply(
                identity.User.objects.all(), {n: value}, texts=("name", "domain_id"), booleans=("enabled",)
            ),
        )
    yield (
        "User password_expires_at",
        lambda value: identity_filters.by_times(identity.User.objects.all(), "password_expires_at", [value]),
    )


def test_filters_of_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1s'")
    for (name, narrow), value in product(list(cases()), VALUES):
        try:
            with suppress(BadRequest, DataError), transaction.atomic():
                list(narrow(value)[:2])
        except Exception as error:
            raise AssertionError(f"{name}={value[:40]!r}: {error!r}") from error


COMPUTE = {
    "/flavors/detail": ("minRam", "minDisk", "is_public", "sort_key", "sort_dir", "marker", "limit"),
    "/os-keypairs": ("limit", "marker", "user_id"),
    "/os-server-groups": ("limit", "offset", "all_projects"),
    "/os-hypervisors": ("hypervisor_hostname_pattern", "with_servers", "limit", "marker"),
    "/os-services": ("host", "binary"),
    "/os-simple-tenant-usage": ("start", "end", "detailed", "limit", "marker"),
}


@pytest.fixture
def caller(db: None) -> ComputeCaller:
    Flavor.objects.create(flavor_id="7", name="f7", vcpus=2, ram_mib=256, disk_gib=3)
    return _caller(admin=True)


@pytest.mark.parametrize("path", COMPUTE)
def test_filters_of_compute_s_smaller_lists(caller: ComputeCaller, path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1s'")
    for name, value in product(COMPUTE[path], VALUES[:8]):
        answer = caller.at("2.96").get(path, **{name: value})
        assert answer.status_code in (200, 400, 404), (name, value[:40], answer.content)
