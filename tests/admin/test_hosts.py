"""Hosts on the pages: forcing a host down and up again, while its agent goes on reporting."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.scheduling.models import Host
from tests.admin import rows
from tests.admin.acting import change, do, events
from workers.drivers.hypervisor.base import HostUse
from workers.host.agent import Agent
from workers.host.counting import GuestCounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Host:
    rows.fill(1)
    return Host.objects.get()


def test_forced_down_and_back_are_two_buttons(operator: Client, host: Host) -> None:
    """A button is shown only where it applies. Pressed twice, or on an outdated page, it undoes nothing."""
    text = operator.get(change(host)).content.decode()
    assert "/do/force-down/" in text and "/do/trust-agent/" not in text
    assert "is forced down, whatever" in do(operator, host, "force-down")
    assert "already forced down" in do(operator, host, "force-down")
    host.refresh_from_db()
    assert host.forced_down
    text = operator.get(change(host)).content.decode()
    assert "/do/trust-agent/" in text and "/do/force-down/" not in text
    assert "restart elsewhere by themselves" in text and "is not to restart elsewhere by itself" in text
    assert "being made again on other hosts: 1" in do(operator, host, "evacuate")
    assert "is next" in operator.get(change(host)).content.decode()
    assert "it is up" in do(operator, host, "trust-agent")
    assert "not forced down" in do(operator, host, "trust-agent")
    host.refresh_from_db()
    assert not host.forced_down
    assert len(events("service.update")) == 2


def test_what_is_asked_tells_how_the_host_is(operator: Client, host: Host) -> None:
    asked = f"/admin/scheduling/host/{host.pk}/do/force-down/"
    assert "sent a heartbeat just now" in operator.get(asked).content.decode()
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "is silent" in operator.get(asked).content.decode()


def test_a_host_that_is_forced_down_and_beats_says_so(operator: Client, host: Host) -> None:
    Host.objects.update(forced_down=True)
    assert "its agent still reports" in operator.get(change(host)).content.decode()
    assert "forced down, last heard" in operator.get("/admin/").content.decode()
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "its agent still reports" not in operator.get(change(host)).content.decode()


class Hypervisor:
    guests = 3

    def ping(self) -> None:
        """It answers."""

    def use(self) -> HostUse:
        return HostUse(vcpus=0, ram_mib=0, disk_gib=0, servers=self.guests)


def test_an_agent_tells_how_many_guests_it_sees(host: Host, django_assert_num_queries: Any) -> None:
    """A changed number costs one more statement, an unchanged one none."""
    hypervisor = Hypervisor()
    agent = Agent.__new__(Agent)
    agent.hosts = [SimpleNamespace(host=host.name, hypervisor=hypervisor)]  # type: ignore[list-item]
    agent._counts = GuestCounts(agent.hosts)
    agent._counts.refresh()
    with django_assert_num_queries(2):
        agent._beat_once()
    host.refresh_from_db()
    assert host.running_servers == 3
    with django_assert_num_queries(1):
        agent._beat_once()
    hypervisor.guests = 0
    agent._counts.refresh()
    agent._beat_once()
    host.refresh_from_db()
    assert host.running_servers == 0
