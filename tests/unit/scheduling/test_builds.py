"""Failed builds of a host are counted until one succeeds; a success costs no statement as a rule."""

from typing import Any

import pytest

from apps.scheduling.models import Host
from apps.scheduling.services import builds
from tests.unit.scheduling.conftest import MakeHosts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    builds._clean.clear()


def count() -> int:
    return Host.objects.get(name="h0").failed_builds


def test_failures_are_counted_until_a_success(make_hosts: MakeHosts) -> None:
    make_hosts(2)
    for expected in (1, 2):
        builds.failed(host="h0")
        assert count() == expected
    builds.succeeded(host="h1")
    assert count() == 2
    builds.succeeded(host="h0")
    assert count() == 0
    builds.failed(host="h0")
    builds.succeeded(host="h0")
    assert count() == 0, "its own failure makes a process look again"


def test_successes_cost_nothing(make_hosts: MakeHosts, django_assert_num_queries: Any) -> None:
    make_hosts(1)
    builds.succeeded(host="h0")
    with django_assert_num_queries(0):
        builds.succeeded(host="h0")


def test_a_failure_that_another_process_counted(make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hosts(1)
    builds.succeeded(host="h0")
    Host.objects.update(failed_builds=1)
    monkeypatch.setattr(builds, "LOOK_SECONDS", 0.0)
    builds.succeeded(host="h0")
    assert count() == 0
