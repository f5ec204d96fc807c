"""The explanation of a choice distinguishes excluded hosts from hosts without room."""

import uuid
from typing import Any

import pytest

from apps.scheduling.models import Host
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec

pytestmark = pytest.mark.django_db


def told(**values: Any) -> list[tuple[str, int, int]]:
    spec = RequestSpec(vcpus=1, ram_mib=512, disk_gib=1, **values)
    choice = allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)
    rows = [(one["filter"], one["in"], one["out"]) for one in choice.explanation["filters"]]
    return [one for one in rows if one[0] in ("named", "failed_before", "fits")]


def test_hosts_that_failed_this_build_before(make_hosts: Any) -> None:
    make_hosts(5)
    Host.objects.filter(name="h4").update(enabled=False)
    assert told(ignore_hosts=frozenset({"h0", "h1"})) == [("failed_before", 5, 3), ("fits", 3, 2)]


def test_the_host_that_was_asked_for(make_hosts: Any) -> None:
    make_hosts(5)
    assert told(force_host="h2") == [("named", 5, 1), ("fits", 1, 1)]


def test_hosts_without_room_alone(make_hosts: Any) -> None:
    make_hosts(5)
    Host.objects.filter(name="h4").update(enabled=False)
    assert told() == [("fits", 5, 4)]
