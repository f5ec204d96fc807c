"""Concurrent claims never oversell a host, and none is refused while there is room."""

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.scheduling import candidates
from apps.scheduling.candidates import cache, strategy
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation, Host, Inventory
from apps.scheduling.services import aggregates, allocations
from apps.scheduling.specs import HostState, RequestSpec

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 32
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}

Sizes = list[tuple[int, int, int]]
SIZE = st.tuples(st.integers(1, 4), st.sampled_from([256, 512, 1024]), st.integers(0, 20))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "BLOCK_SIZE", 8)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads
        together = Barrier(AT_ONCE)  # so that each thread closes its own connection

        def close(_: int) -> None:
            together.wait(timeout=30)
            connection.close()

        list(threads.map(close, range(AT_ONCE)))


def cloud(rooms: Sizes) -> None:
    Allocation.objects.all().delete()
    Host.objects.all().delete()
    cache.room.clear()
    for number, (vcpus, ram, disk) in enumerate(rooms):
        host = Host.objects.create(name=f"h{number}", number=number, hypervisor_type="x")
        Inventory.objects.create(
            host=host, vcpus=vcpus, vcpus_ratio=1.5, ram_mib=ram, ram_reserved=min(64, ram), disk_gib=disk
        )


def claim(size: tuple[int, int, int]) -> uuid.UUID | None:
    consumer = uuid.uuid4()
    try:
        allocations.choose_and_claim(
            consumer_id=consumer, spec=RequestSpec(vcpus=size[0], ram_mib=size[1], disk_gib=size[2])
        )
    except NoValidHost:
        return None
    return consumer


def churn(size: tuple[int, int, int]) -> uuid.UUID | None:
    """Claim, and release every third claim at once."""
    consumer = claim(size)
    if consumer and consumer.int % 3 == 0:
        allocations.release(consumer_id=consumer)
        return None
    return consumer


def assert_books_agree() -> None:
    for row in Inventory.objects.prefetch_related("host__allocations"):
        rows = list(row.host.allocations.all())
        assert row.vcpus_used == sum(one.vcpus for one in rows) <= int((row.vcpus - row.vcpus_reserved) * 1.5)
        assert row.ram_used == sum(one.ram_mib for one in rows) <= row.ram_mib - row.ram_reserved
        assert row.disk_used == sum(one.disk_gib for one in rows) <= row.disk_gib
        assert row.servers == len(rows)


@settings(max_examples=12, **SLOW)
@given(
    rooms=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4096), st.integers(0, 60)), min_size=1, max_size=24),
    sizes=st.lists(SIZE, min_size=AT_ONCE, max_size=AT_ONCE * 2),
)
def test_no_host_gives_more_than_it_has(pool: ThreadPoolExecutor, rooms: Sizes, sizes: Sizes) -> None:
    cloud(rooms)
    kept = [consumer for consumer in pool.map(churn, sizes) if consumer]
    assert_books_agree()
    assert Allocation.objects.count() == len(kept)
    for refused in {size for size in sizes if claim(size) is None}:
        assert not [host for host in candidates.everything() if fits(host, refused)], (
            "it was refused, and there is room"
        )


def fits(host: HostState, size: tuple[int, int, int]) -> bool:
    return host.vcpus_free >= size[0] and host.ram_free >= size[1] and host.disk_free >= size[2]


@pytest.mark.parametrize("seed", range(4))
def test_as_many_as_there_is_room_for_find_it_at_once(pool: ThreadPoolExecutor, seed: int) -> None:
    """32 places on some of 60 hosts, 32 requests at the same moment; then none is left."""
    chance = random.Random(seed)
    rooms = [0] * 60
    for _ in range(AT_ONCE):
        rooms[chance.randrange(60 if seed % 2 else 6)] += 1
    cloud([(room, room * 512 + 64, room) for room in rooms])
    Inventory.objects.update(ram_reserved=64)
    assert None not in list(pool.map(claim, [(1, 512, 1)] * AT_ONCE))
    assert_books_agree()
    assert claim((1, 512, 1)) is None


@pytest.mark.parametrize("hosts", [1, 3])
@pytest.mark.parametrize("limit", [1, 3])
def test_no_host_has_more_servers_than_it_may(pool: ThreadPoolExecutor, settings: Any, limit: int, hosts: int) -> None:
    """The filter counts servers when it runs; 32 concurrent requests would all pass it."""
    settings.SCHEDULER_MAX_INSTANCES_PER_HOST = limit
    cloud([(99, 99_999, 999)] * hosts)
    placed = [consumer for consumer in pool.map(claim, [(1, 256, 1)] * AT_ONCE) if consumer]
    assert len(placed) == limit * hosts
    assert set(Inventory.objects.values_list("servers", flat=True)) == {limit}
    assert_books_agree()
    allocations.release(consumer_id=placed[0])
    assert [bool(claim((1, 256, 1))) for _ in range(2)] == [True, False], "what is given back is had again"


def test_the_smallest_limit_of_a_hosts_aggregates_holds(pool: ThreadPoolExecutor, settings: Any) -> None:
    """Hosts without a limit take what the others may not."""
    cloud([(99, 99_999, 999)] * 3)
    for name, host, most in (("a", "h0", "9"), ("b", "h0", "3"), ("c", "h1", "1")):
        made = aggregates.create(name=name)
        aggregates.add_host(aggregate_id=made.id, host=host)
        aggregates.set_metadata(aggregate_id=made.id, metadata={"max_instances_per_host": most})
    assert None not in list(pool.map(claim, [(1, 256, 1)] * AT_ONCE))
    had = dict(Inventory.objects.values_list("host__name", "servers"))
    assert had["h0"] <= 3 and had["h1"] <= 1 and sum(had.values()) == AT_ONCE
    Host.objects.filter(name="h2").update(enabled=False)
    list(pool.map(claim, [(1, 256, 1)] * AT_ONCE))
    assert dict(Inventory.objects.values_list("host__name", "servers")) == {**had, "h0": 3, "h1": 1}


def test_who_waits_for_a_host_looks_at_its_limit_again(pool: ThreadPoolExecutor) -> None:
    cloud([(99, 99_999, 999)])
    host, spec = Host.objects.get(), RequestSpec(vcpus=1, ram_mib=256, disk_gib=1)

    def try_it(_: int) -> str | None:
        return allocations.claim(consumer_id=uuid.uuid4(), spec=spec, host_ids=[str(host.id)], limits={str(host.id): 3})

    with transaction.atomic():
        Inventory.objects.select_for_update().get()
        waiting = [pool.submit(try_it, number) for number in range(12)]
        with connection.cursor() as cursor:
            for _ in range(3000):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0] >= 12:
                    break
    assert sum(one.result() is not None for one in waiting) == 3
    assert Inventory.objects.get().servers == 3


@pytest.mark.parametrize("changes", [["-num_instances"], []])
def test_no_limit_for_a_filter_that_does_not_look(settings: Any, changes: list[str]) -> None:
    """Left out, or passed over for a host that an administrator names."""
    settings.SCHEDULER_FILTERS, settings.SCHEDULER_MAX_INSTANCES_PER_HOST = changes, 1
    cloud([(99, 99_999, 999)])
    named = RequestSpec(vcpus=1, ram_mib=256, disk_gib=1, force_host=None if changes else "h0")
    for _ in range(2):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=named)
    assert Inventory.objects.get().servers == 2
