"""Dedicated processors, NUMA cells and pages: who gets which, and that no two servers get the same ones."""

import uuid
from typing import Any

import pytest

from apps.compute import topologies as requests
from apps.compute.exceptions import HardwareInvalid
from apps.operations.consistency import rows
from apps.scheduling import candidates, topologies
from apps.scheduling.exceptions import DedicatedCpusHeld, NoValidHost
from apps.scheduling.models import Allocation, Host
from apps.scheduling.services import allocations, hosts, inventories
from apps.scheduling.services import topologies as services
from apps.scheduling.specs import RequestSpec
from apps.scheduling.topologies import GuestCell, GuestTopology, fit
from tests.unit.scheduling.conftest import MakeHosts


def cell(number: int, first: int, pages: int = 0) -> dict[str, Any]:
    cpus = list(range(first, first + 4))
    siblings = [cpus[:2], cpus[2:]]
    return {"id": number, "cpus": cpus, "siblings": siblings, "memory": 2048, "pages": {"2048": pages} if pages else {}}


HOST = {"dedicated": [2, 3, 6, 7], "shared": [0, 1, 4, 5], "cells": [cell(0, 0), cell(1, 4, pages=512)]}


def asked(vcpus: int = 2, ram: int = 512, **specs: str) -> GuestTopology | None:
    named = {name.replace("__", ":").replace("_dot_", "."): value for name, value in specs.items()}
    return requests.of({"vcpus": vcpus, "ram": ram, "extra_specs": named}, {})


def pins(placement: dict[str, Any] | None) -> list[dict[str, int]] | None:
    return None if placement is None else [cell["pins"] for cell in placement["cells"]]


@pytest.mark.parametrize(
    ("vcpus", "specs", "expected"),
    [
        (2, {"hw__cpu_policy": "dedicated"}, [{"0": 2, "1": 3}]),
        (3, {"hw__cpu_policy": "dedicated"}, None),  # no cell has three
        (4, {"hw__cpu_policy": "dedicated", "hw__numa_nodes": "2"}, [{"0": 2, "1": 3}, {"2": 6, "3": 7}]),
        (2, {"hw__cpu_policy": "dedicated", "hw__cpu_thread_policy": "require"}, [{"0": 2, "1": 3}]),
        (1, {"hw__cpu_policy": "dedicated", "hw__cpu_thread_policy": "isolate"}, [{"0": 2}]),
        (2, {"hw__cpu_policy": "dedicated", "hw__cpu_thread_policy": "isolate"}, None),
        (2, {"hw__cpu_policy": "mixed", "hw__cpu_dedicated_mask": "^0"}, [{"1": 2}]),
        (1, {"hw__cpu_policy": "dedicated", "hw__emulator_threads_policy": "isolate"}, [{"0": 2}]),
        (2, {"hw__mem_page_size": "large"}, [{}]),
        (2, {"hw__mem_page_size": "1GB"}, None),
        (6, {"hw__numa_nodes": "3"}, None),
    ],
)
def test_fit(vcpus: int, specs: dict[str, str], expected: Any) -> None:
    guest = asked(vcpus, 768, **specs)
    assert guest is not None
    assert pins(fit(guest, HOST, [])) == expected


def test_many_cells_are_placed_at_once() -> None:
    """Users choose how many: no order of cells is tried after another. The last one here fits nowhere."""
    host = {"shared": list(range(0, 80, 4)), "cells": [cell(number, 4 * number) for number in range(20)]}
    for memories in ([64] * 19 + [4096], [64] * 21):
        cells = tuple(GuestCell(floating=frozenset((i,)), memory_mib=size) for i, size in enumerate(memories))
        assert fit(GuestTopology(cells=cells), host, []) is None
    # The first cell takes the first room that will do, and leaves it to one that has no other.
    host["cells"][1]["memory"] = 100
    cells = tuple(GuestCell(floating=frozenset((i,)), memory_mib=size) for i, size in enumerate((50, 90, 2048)))
    placement = fit(GuestTopology(cells=cells), {**host, "cells": [*host["cells"][:2], cell(2, 8)]}, [])
    assert placement is not None and [row["host"] for row in placement["cells"]][2] in (0, 2)
    with pytest.raises(HardwareInvalid, match="all NUMA nodes"):
        asked(1, hw__numa_nodes="2", hw__numa_cpus_dot_0="0", hw__numa_mem_dot_0="512",
              hw__numa_cpus_dot_1="9,^9", hw__numa_mem_dot_1="0")  # fmt: skip


@pytest.mark.django_db
def test_a_move_takes_its_place_along(make_hosts: MakeHosts) -> None:
    """The server's claim and its migration's are exchanged: the guest runs on what was claimed for the migration."""
    make_hosts(2, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    server, migration, other = (uuid.uuid4() for _ in range(3))
    for consumer, size in ((other, 2), (server, 2), (migration, 1)):
        spec = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1, topology=asked(size, hw__cpu_policy="dedicated"))
        allocations.choose_and_claim(consumer_id=consumer, spec=spec)
    before = {row.consumer_id: (row.host_id, row.topology) for row in Allocation.objects.all()}
    allocations.swap(first=server, second=migration)
    after = {row.consumer_id: (row.host_id, row.topology) for row in Allocation.objects.all()}
    assert before[server][1] != before[migration][1]
    assert after == {other: before[other], server: before[migration], migration: before[server]}
    assert rows.miscounted() == []


@pytest.mark.parametrize(
    ("specs", "realtime", "pinned"),
    [
        ({"hw__cpu_policy": "dedicated", "hw__cpu_realtime_mask": "^0"}, {1}, {0, 1}),
        ({"hw__cpu_policy": "mixed", "hw__cpu_realtime_mask": "1"}, {1}, {1}),
        ({"hw__cpu_policy": "dedicated", "hw__emulator_threads_policy": "isolate"}, {0, 1}, {0, 1}),
    ],
)
def test_realtime(specs: dict[str, str], realtime: set[int], pinned: set[int]) -> None:
    guest = asked(2, hw__cpu_realtime="true", **specs)
    assert guest is not None and (guest.realtime, guest.cells[0].pinned) == (realtime, pinned)
    assert requests.has_locked_memory({"hw:cpu_realtime": "true"}, {})
    assert requests.has_locked_memory({"hw:mem_page_size": "small"}, {"hw_locked_memory": "yes"})


def test_devices() -> None:
    """Each of another one that is free, of a model that will do; the choosiest first. Without cells, too."""
    pci = [{"address": f"0000:0{bus}:00.0", "model": model} for bus, model in ((1, "a:1"), (2, "a:2"))]
    first, second = GuestTopology(devices=(("a:2", "a:1"), ("a:1",))), GuestTopology(devices=(("a:1",),))
    placed = fit(first, {"pci": pci}, [])
    assert placed is not None and (placed["cells"], placed["devices"]) == ([], ["0000:01:00.0", "0000:02:00.0"])
    assert fit(second, {"pci": pci}, [placed]) is None and fit(second, {}, []) is None
    assert fit(second, {"pci": pci}, []) is not None and topologies.taken([placed]) == frozenset()


def test_what_is_used_is_used_once() -> None:
    two = asked(2, hw__cpu_policy="dedicated")
    assert two is not None
    used: list[Any] = []
    while (placement := fit(two, HOST, used)) is not None:
        used.append(placement)
    assert sorted(topologies.taken(used)) == HOST["dedicated"]
    alone = asked(1, hw__cpu_policy="dedicated", hw__cpu_thread_policy="isolate")
    kept = fit(alone, HOST, [])  # type: ignore[arg-type]
    assert kept is not None and kept["kept"] == [3]
    assert pins(fit(two, HOST, [kept])) == [{"0": 6, "1": 7}]


def test_pages_are_counted() -> None:
    paged = asked(2, 600, hw__mem_page_size="2048")
    assert paged is not None
    first = fit(paged, HOST, [])
    assert first is not None and (first["cells"][0]["host"], first["cells"][0]["page"]) == (1, 2048)
    assert fit(paged, HOST, [first]) is None
    assert asked(1, hw__mem_page_size="any") is None and asked(1) is None


def test_sets_of_processors() -> None:
    assert topologies.parse_cpus("0-3,^2, 8") == {0, 1, 3, 8}
    for text in ("x", "3-1", "-1", "0-99999"):
        with pytest.raises(ValueError):
            topologies.parse_cpus(text)


@pytest.mark.django_db
def test_claims_name_them_and_give_them_back(make_hosts: MakeHosts) -> None:
    make_hosts(2, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    topology = asked(2, hw__cpu_policy="dedicated")
    assert topology is not None and topology.shared_vcpus == 0
    spec = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1, topology=topology)
    servers = [uuid.uuid4() for _ in range(4)]
    for server in servers:
        allocations.choose_and_claim(consumer_id=server, spec=spec)
    for host in Host.objects.all():
        placements = [row.topology for row in Allocation.objects.filter(host=host) if row.topology is not None]
        assert sorted(topologies.taken(placements)) == HOST["dedicated"]
        assert host.inventory.servers == 2
    with pytest.raises(NoValidHost, match="2 hosts checked: 2 without free dedicated CPUs"):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)
    assert Allocation.objects.count() == 4
    allocations.release(consumer_id=servers[0])
    allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)


@pytest.mark.django_db
def test_a_plan_takes_what_is_free(make_hosts: MakeHosts) -> None:
    """In memory, beside what servers have."""
    make_hosts(1, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    topology = asked(2, hw__cpu_policy="dedicated")
    spec = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1, topology=topology)
    allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)
    (host,), rooms = candidates.everything(), services.Rooms()
    assert rooms.has(host, None) and rooms.has(host, topology)
    rooms.take(host, topology)
    assert not rooms.has(host, topology) and Allocation.objects.count() == 1


@pytest.mark.django_db
def test_a_claim_that_was_restored_gets_its_place(make_hosts: MakeHosts) -> None:
    (host,) = make_hosts(1, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    topology = asked(2, hw__cpu_policy="dedicated")
    assert topology is not None
    spec, (first, second, third) = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1), [uuid.uuid4() for _ in range(3)]
    for key in (first, second, third):
        inventories.restore(consumer_id=key, host=host.name, spec=spec)
    placements = [services.place_restored(consumer_id=key, guest=topology) for key in (first, second, third, first)]
    assert [pins(row) for row in placements] == [[{"0": 2, "1": 3}], [{"0": 6, "1": 7}], None, [{"0": 2, "1": 3}]]
    assert services.place_restored(consumer_id=uuid.uuid4(), guest=topology) is None


@pytest.mark.django_db
def test_beside_a_guest_that_runs_on_unknown_processors_there_is_no_room(make_hosts: MakeHosts) -> None:
    """Until its next start, also of two of them."""
    (host,) = make_hosts(1, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    topology = asked(1, hw__cpu_policy="dedicated")
    assert topology is not None
    spec, running = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1, topology=topology), [uuid.uuid4(), uuid.uuid4()]
    for key in running:
        inventories.restore(consumer_id=key, host=host.name, spec=spec)
        services.note_unknown(consumer_id=key)
    with pytest.raises(NoValidHost):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)
    placements = [services.place_restored(consumer_id=key, guest=topology) for key in running]
    assert [pins(row) for row in placements] == [[{"0": 2}], [{"0": 3}]]
    allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=spec)


@pytest.mark.django_db
def test_dedicated_processors_are_kept_while_servers_have_them(make_hosts: MakeHosts) -> None:
    (host,) = make_hosts(1, topology=HOST, traits=["CUSTOM_DEDICATED_CPUS"])
    spec = RequestSpec(vcpus=0, ram_mib=512, disk_gib=1, topology=asked(2, hw__cpu_policy="dedicated"))
    consumer = uuid.uuid4()
    allocations.choose_and_claim(consumer_id=consumer, spec=spec)

    def register(*dedicated: int) -> None:
        facts = {"topology": {**HOST, "dedicated": list(dedicated)}}
        hosts.register(name=host.name, facts=facts, vcpus=4, ram_mib=4096, disk_gib=9, agent_url="")

    register(2, 3)  # more, and fewer of those that nobody has
    with pytest.raises(DedicatedCpusHeld, match="its processors 3 for"):
        register(2, 6)
    assert Host.objects.get().topology["dedicated"] == [2, 3]
    # A claim of before that names another host's processors stops no agent, and its next start chooses again.
    moved = {"cells": [{"host": 0, "pins": {"0": 40, "1": 41}, "floating": [], "on": [], "memory": 512, "page": 0}]}
    Allocation.objects.update(topology=moved)
    register(2, 3)
    assert pins(services.place_restored(consumer_id=consumer, guest=spec.topology)) == [{"0": 2, "1": 3}]
    allocations.release(consumer_id=consumer)
    register()
