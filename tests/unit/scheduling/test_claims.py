"""Choosing and claiming is atomic: no host is oversold, and no request fails while there is room."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from django.db import connection, transaction

from apps.scheduling import candidates
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation, Host, Inventory
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import allocations, hosts
from apps.scheduling.specs import HostState, RequestSpec

pytestmark = pytest.mark.django_db(transaction=True)
FACTS = {"hypervisor_type": "simulated", "virt_type": "simulated"}


@pytest.fixture
def cloud(settings: object) -> None:
    """Four hosts with room for ten servers of 1 vCPU and 512 MiB each."""
    settings.ALLOCATION_RATIOS = {"vcpus": 1.0, "ram_mib": 1.0, "disk_gib": 1.0}
    settings.RESERVED_RAM_MIB = 0
    for index in range(4):
        hosts.register(
            name=f"h{index}", facts=FACTS, vcpus=10, ram_mib=5120, disk_gib=100, agent_url="http://127.0.0.1:1"
        )


SPEC = RequestSpec(vcpus=1, ram_mib=512, disk_gib=1)


def claim(_: int) -> str | None:
    try:
        return allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SPEC).host
    except NoValidHost:
        return None
    finally:
        connection.close()


def test_concurrent_claims_fill_every_host_and_not_more(cloud: None) -> None:
    with ThreadPoolExecutor(max_workers=16) as pool:
        placed = list(pool.map(claim, range(40)))
    assert None not in placed, "there was room for forty"
    assert claim(0) is None, "there is no room for one more"
    for row in Inventory.objects.all():
        assert (row.vcpus_used, row.ram_used, row.disk_used, row.servers) == (10, 5120, 10, 10)
    assert Allocation.objects.count() == 40


def test_the_refusal_says_what_is_lacking(cloud: None) -> None:
    with pytest.raises(NoValidHost) as refusal:
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=RequestSpec(vcpus=1, ram_mib=6000, disk_gib=1))
    assert "No host has enough free RAM (4 hosts checked)." in refusal.value.message
    assert "h0" not in refusal.value.message
    assert "h0 lacks 880 MiB of RAM" in refusal.value.values["explanation"]["misses"]
    assert refusal.value.values["explanation"]["considered"] == 4


def test_room_that_is_freed_at_the_last_look_is_taken(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal said that none of four hosts was left, and one of them had room by then."""
    Inventory.objects.update(vcpus_used=10)
    read, looks = candidates.everything, []

    def freeing() -> list[HostState]:
        Inventory.objects.filter(host__name="h2").update(vcpus_used=9)
        looks.append(1)
        return read()

    monkeypatch.setattr(candidates, "everything", freeing)
    assert allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SPEC).host == "h2"
    assert len(looks) == 1


def test_who_always_comes_too_late_is_refused_in_the_end(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Inventory.objects.update(vcpus_used=10)
    read, looks = candidates.everything, []

    def fleeting() -> list[HostState]:
        looks.append(1)
        Inventory.objects.update(vcpus_used=0)
        try:
            return read()
        finally:
            Inventory.objects.update(vcpus_used=10)

    monkeypatch.setattr(candidates, "everything", fleeting)
    with pytest.raises(NoValidHost, match="None of the 4 hosts was left"):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SPEC)
    assert len(looks) == allocations.ROUNDS + 1


def test_amounts_that_no_filter_looks_at_are_refused_at_once(
    cloud: None, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.SCHEDULER_FILTERS = ["-vcpu"]
    looks, read = [], candidates.everything
    monkeypatch.setattr(candidates, "everything", lambda: looks.append(1) or read())
    with pytest.raises(NoValidHost):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=replace(SPEC, vcpus=11))
    assert len(looks) == 1


def test_release_gives_everything_back_once(cloud: None) -> None:
    consumer = uuid.uuid4()
    allocations.choose_and_claim(consumer_id=consumer, spec=SPEC)
    allocations.release(consumer_id=consumer)
    allocations.release(consumer_id=consumer)
    assert set(Inventory.objects.values_list("vcpus_used", "ram_used", "disk_used", "servers")) == {(0, 0, 0, 0)}


def test_excluded_disabled_and_silent_hosts_are_left_out(cloud: None) -> None:
    hosts.update(name="h1", enabled=False, reason="test")
    hosts.update(name="h2", forced_down=True)
    wanted = RequestSpec(vcpus=1, ram_mib=512, disk_gib=1, ignore_hosts=frozenset({"h0"}))
    assert allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=wanted).host == "h3"


def test_a_forced_host_is_claimed_only_while_it_has_room(cloud: None) -> None:
    wanted = RequestSpec(vcpus=10, ram_mib=512, disk_gib=1, force_host="h2")
    assert allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=wanted).host == "h2"
    with pytest.raises(NoValidHost):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=wanted)


def test_operators_at_once_do_not_undo_each_other(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reads the host, another disables it, the first forces it down: it stays disabled."""
    read = selectors.get

    def slow(*, name: str) -> Host:
        host = read(name=name)
        Host.objects.filter(name=name).update(enabled=False, disabled_reason="memory errors")
        return host

    monkeypatch.setattr(selectors, "get", slow)
    hosts.update(name="h0", forced_down=True)
    host = Host.objects.get(name="h0")
    assert (host.enabled, host.disabled_reason, host.forced_down) == (False, "memory errors", True)


def test_who_waited_in_vain_keeps_no_host_locked(cloud: None) -> None:
    """In a transaction (a group's member is placed in one) other hosts are tried next: two that keep the rows they
    waited for would wait for each other.
    """
    host = Host.objects.get(name="h0")
    filling, waiting = Event(), Event()

    def fill() -> None:
        with transaction.atomic():
            Inventory.objects.filter(host=host).update(vcpus_used=10)
            filling.set()
            waiting.wait(timeout=30)
        connection.close()

    def watch() -> None:
        try:
            with connection.cursor() as cursor:
                for _ in range(3000):
                    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                    if cursor.fetchone()[0]:
                        return
        finally:
            waiting.set()
            connection.close()

    def free() -> bool:
        try:
            with transaction.atomic():
                return Inventory.objects.select_for_update(skip_locked=True).filter(host=host).exists()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool, transaction.atomic():
        filled = pool.submit(fill)
        assert filling.wait(timeout=30)
        watched = pool.submit(watch)
        assert allocations.claim(consumer_id=uuid.uuid4(), spec=SPEC, host_ids=[str(host.id)]) is None
        filled.result(), watched.result()
        assert pool.submit(free).result()
