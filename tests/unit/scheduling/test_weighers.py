"""Weighers and their multipliers: which host comes first, and that the table says why."""

from dataclasses import replace
from typing import Any

import pytest

from apps.scheduling.engine import enabled, ranking
from apps.scheduling.specs import AggregateState, GroupSpec, HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher
from tests.unit.scheduling.test_filters import HOST, SPEC

pytestmark = pytest.mark.usefixtures("_no_shuffling")


@pytest.fixture
def _no_shuffling(settings: Any) -> None:
    settings.SCHEDULER_HOST_SUBSET_SIZE = 1


def host(name: str, **values: Any) -> HostState:
    return replace(HOST, id=name, name=name, **values)


def order(*hosts: HostState, spec: RequestSpec = SPEC) -> list[str]:
    return [one.name for one in ranking.rank(hosts=hosts, spec=spec).hosts]


@pytest.mark.parametrize(
    "better",
    [
        {"ram_free": 2048}, {"vcpus_free": 8}, {"disk_free": 99}, {"hypervisor_version": 8000000},
    ],
)  # fmt: skip
def test_more_is_better(better: dict[str, int]) -> None:
    assert order(host("a"), host("b", **better)) == ["b", "a"]


def test_less_is_better_of_what_is_to_be_done() -> None:
    assert order(host("a", io_ops=3), host("b")) == ["b", "a"]


def test_failed_builds_outweigh_everything() -> None:
    roomy = host("a", ram_free=99999, vcpus_free=99, disk_free=9999, hypervisor_version=9, failed_builds=1)
    assert order(roomy, host("b", io_ops=9), host("c", failed_builds=2, ram_free=999999)) == ["b", "a", "c"]


def test_soft_policies() -> None:
    members = {"b": 2, "c": 1}
    hosts = [host("a"), host("b"), host("c")]
    near = replace(SPEC, group=GroupSpec(policy="soft-affinity", members=members))
    assert order(*hosts, spec=near) == ["b", "c", "a"]
    apart = replace(SPEC, group=GroupSpec(policy="soft-anti-affinity", members=members))
    assert order(*hosts, spec=apart) == ["a", "c", "b"]


def test_soft_policies_are_not_shuffled_away(settings: Any) -> None:
    settings.SCHEDULER_HOST_SUBSET_SIZE = 3
    near = replace(SPEC, group=GroupSpec(policy="soft-affinity", members={"b": 1}))
    assert {order(host("a"), host("b"), host("c"), spec=near)[0] for _ in range(30)} == {"b"}
    assert {order(host("a"), host("b"), host("c", failed_builds=1))[0] for _ in range(40)} == {"a", "b"}


def test_the_zone_it_would_rather_be_in() -> None:
    assert order(host("a"), host("b", zone="east"), spec=replace(SPEC, near_zones=frozenset({"east"})))[0] == "b"


def test_multipliers_by_setting_and_by_aggregate(settings: Any) -> None:
    full, empty = host("full", ram_free=600), host("empty", ram_free=6000)
    assert order(full, empty) == ["empty", "full"]
    settings.SCHEDULER_WEIGHERS = ["ram=-1"]
    assert order(full, empty) == ["full", "empty"]
    settings.SCHEDULER_WEIGHERS = ["-ram"]
    assert all("ram" not in one["weights"] for one in ranking.rank(hosts=[full, empty], spec=SPEC).candidates)
    settings.SCHEDULER_WEIGHERS = []
    told = AggregateState(name="a", metadata={"ram_weight_multiplier": "-5"})
    assert order(full, replace(empty, aggregates=(told,))) == ["full", "empty"]
    for nonsense in ("much", "nan", "inf"):
        told = AggregateState(name="a", metadata={"ram_weight_multiplier": nonsense})
        assert order(full, replace(empty, aggregates=(told,))) == ["empty", "full"]


def test_the_table_of_candidates() -> None:
    hosts = [host(f"h{index}", ram_free=512 + index, io_ops=index) for index in range(12)]
    verdict = ranking.rank(hosts=hosts, spec=SPEC)
    assert len(verdict.candidates) == ranking.TOLD_CANDIDATES
    for one in verdict.candidates:
        assert one["weight"] == pytest.approx(sum(one["weights"].values()), abs=0.001)
    weights = [one["weight"] for one in verdict.candidates]
    assert weights == sorted(weights, reverse=True)
    best = verdict.candidates[0]
    assert set(best["weights"]) <= {one.name for one, _ in enabled.weighers()}
    assert verdict.weights[best["host"]] == best["weight"]


def test_the_nearest_misses_come_first() -> None:
    hosts = [host(f"far{index}", ram_free=0) for index in range(30)]
    hosts += [host("down", up=False), host("near", ram_free=500), host("nearer", disk_free=4, ram_free=511)]
    verdict = ranking.rank(hosts=hosts, spec=SPEC)
    assert verdict.misses[0] == "near lacks 12 MiB of RAM"
    assert verdict.misses[1] == "nearer lacks 1 MiB of RAM and lacks 1 GiB of disk"
    assert len(verdict.misses) == ranking.TOLD_MISSES


def test_what_a_user_reads_names_no_host_and_says_what_to_do() -> None:
    hosts = [host("secret-1", ram_free=0), host("secret-2", ram_free=1)]
    told = ranking.explain(verdict=ranking.rank(hosts=hosts, spec=SPEC), hosts=hosts)
    assert told.startswith("No host has enough free RAM (2 hosts checked). ")
    assert "Choose a smaller flavor" in told
    assert "secret" not in told


def test_every_filter_and_weigher_has_its_words() -> None:
    for one in enabled.filters():
        assert one.name and one.reason and not one.reason.endswith(".")
    names = [one.name for one in enabled.filters()] + [one.name for one, _ in enabled.weighers()]
    assert len(enabled.filters()) == len({one.name for one in enabled.filters()})
    assert names and all(isinstance(one, Weigher) for one, _ in enabled.weighers())
