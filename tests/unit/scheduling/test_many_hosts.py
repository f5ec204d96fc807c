"""Clouds larger than a block of candidates: rare hosts and changes are found, and refusals cover all hosts."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.scheduling import candidates
from apps.scheduling.candidates import cache, strategy
from apps.scheduling.engine import ranking
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Host, Inventory
from apps.scheduling.services import aggregates, allocations, hosts
from apps.scheduling.specs import GroupSpec, RequestSpec
from tests.unit.scheduling.conftest import MakeHosts

pytestmark = pytest.mark.django_db
SMALL = {"vcpus": 1, "ram_mib": 512, "disk_gib": 1}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "BLOCK_SIZE", 4)
    cache.room.clear()


def placed(**more: Any) -> str:
    return allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=RequestSpec(**{**SMALL, **more})).host


def refused(**more: Any) -> dict[str, Any]:
    with pytest.raises(NoValidHost) as refusal:
        placed(**more)
    return dict(refusal.value.values["explanation"])


def test_a_block_is_enough_as_a_rule(make_hosts: MakeHosts) -> None:
    make_hosts(50)
    cache.kept()
    found = {placed() for _ in range(30)}
    assert len(found) > 4, "from a random place on"  # of random ids some places are chosen far more often
    [first, *_] = candidates.widening(spec=RequestSpec(**SMALL))
    assert (len(first.hosts), first.complete, first.total) == (4, False, 50)


def test_what_is_rare_is_found(make_hosts: MakeHosts) -> None:
    make_hosts(60)
    for _ in range(3):
        make_hosts(0)
    Host.objects.filter(name="h33").update(custom_traits=["CUSTOM_GPU"])
    rack = aggregates.create(name="rack", availability_zone="east")
    aggregates.set_metadata(aggregate_id=rack.id, metadata={"ssd": "true"})
    aggregates.add_host(aggregate_id=rack.id, host="h44")
    for _ in range(3):
        assert placed(extra_specs={"trait:CUSTOM_GPU": "required"}) == "h33"
        assert placed(zone="east") == "h44"
        assert placed(extra_specs={"aggregate_instance_extra_specs:ssd": "<in> true"}) == "h44"
        assert placed(query=["=", "$host", "h55"]) == "h55"
        assert placed(same_hosts=frozenset({"h21"})) == "h21"
        assert placed(group=GroupSpec(policy="affinity", members={"h22": 1})) == "h22"
        assert placed(force_host="h23") == "h23"


def test_a_soft_policy_sees_its_group(make_hosts: MakeHosts) -> None:
    make_hosts(60)
    Inventory.objects.filter(host__name="h9").update(ram_used=512)
    for _ in range(5):
        assert placed(group=GroupSpec(policy="soft-affinity", members={"h9": 1})) == "h9"


def test_the_zone_of_the_group(make_hosts: MakeHosts) -> None:
    make_hosts(60)
    Host.objects.filter(name__in=["h9", "h10", "h11"]).update(zone="east")
    Inventory.objects.filter(host__name="h9").update(ram_used=9999)
    near = {row["host"]: row["weights"].get("same_zone", 0) for row in _candidates("soft-affinity", "h9")}
    apart = [row["weights"].get("same_zone", 0) for row in _candidates("soft-anti-affinity", "h9")]
    assert not any(apart)
    assert all(bool(weight) == (name in ("h10", "h11")) for name, weight in near.items())


def _candidates(policy: str, member: str) -> list[dict[str, Any]]:
    spec = RequestSpec(**SMALL, group=GroupSpec(policy=policy, members={member: 1}))
    found = list(candidates.widening(spec=spec))[-1]
    return ranking.rank(hosts=found.hosts, spec=found.spec).candidates


def test_the_last_room_is_found_and_then_it_is_refused(make_hosts: MakeHosts) -> None:
    make_hosts(60, room=1)
    Inventory.objects.exclude(host__name__in=["h3", "h44"]).update(ram_used=512)
    assert {placed(), placed()} == {"h3", "h44"}
    explanation = refused()
    assert explanation["considered"] == 60
    assert {row["filter"]: (row["in"], row["out"]) for row in explanation["filters"]}["ram"] == (60, 0)
    Inventory.objects.filter(host__name="h5").update(ram_used=0)
    assert placed() == "h5", "what was remembered as the last room does not hide new room"


def test_changes_are_seen_at_once(make_hosts: MakeHosts) -> None:
    make_hosts(60)
    gpu = {"extra_specs": {"trait:CUSTOM_GPU": "required"}}
    refused(**gpu)
    hosts.set_traits(name="h7", traits=["CUSTOM_GPU"])
    assert placed(**gpu) == "h7"
    hosts.set_traits(name="h7", traits=[])
    refused(**gpu)
    refused(zone="east")
    rack = aggregates.create(name="rack")
    aggregates.add_host(aggregate_id=rack.id, host="h8")
    aggregates.set_metadata(aggregate_id=rack.id, metadata={"availability_zone": "east"})
    assert placed(zone="east") == "h8"
    kept = {"filter_tenant_id": "p1"}
    aggregates.set_metadata(aggregate_id=rack.id, metadata=kept)
    refused(zone="east", project_id="p2")
    assert placed(zone="east", project_id="p1") == "h8"
    make_hosts(1, first=99, zone="west")
    assert placed(zone="west") == "h99"


@pytest.mark.parametrize("change", ["name", "arch", "hypervisor_type", "virt_type", "zone"])
def test_the_stamp_follows_what_hosts_are(make_hosts: MakeHosts, change: str) -> None:
    make_hosts(2)
    before = cache.kept()
    Host.objects.filter(name="h0").update(**{change: "other"})
    assert cache.of(_stamp()) is not before


def test_the_stamp_leaves_out_what_is_read_every_time(make_hosts: MakeHosts) -> None:
    make_hosts(2)
    before = _stamp()
    hosts.heartbeat(names=["h0", "h1"])
    hosts.update(name="h0", enabled=False, reason="x")
    Host.objects.filter(name="h0").update(failed_builds=3, zone="nova")
    Inventory.objects.update(ram_used=5)
    assert _stamp() == before


def _stamp() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value::text FROM scheduling_stamp")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_choosing_costs_two_statements(make_hosts: MakeHosts) -> None:
    make_hosts(3)
    placed()
    with CaptureQueriesContext(connection) as queries:
        placed()
    assert len(queries) == 2


def test_builds_under_way_count_as_io(make_hosts: MakeHosts, settings: Any) -> None:
    from apps.workflow.models import Run

    settings.SCHEDULER_MAX_IO_OPS_PER_HOST = 2
    make_hosts(2)
    for index in range(3):
        Run.objects.create(
            pipeline="server.build", action="create", subject_type="server", subject_id=uuid.uuid4(), request_id="r",
            next_step="spawn", queue="q", host="h0", deadline_at="2030-01-01T00:00:00Z",
            state="running" if index < 2 else "succeeded",
        )  # fmt: skip
    busy = {host.name: host.io_ops for host in candidates.everything()}
    assert busy == {"h0": 2, "h1": 0}
    assert {placed() for _ in range(5)} == {"h1"}
