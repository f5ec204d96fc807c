"""An operator's filters and weighers that raise: they accept no host, and the message names them."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from apps.scheduling.candidates import strategy
from apps.scheduling.engine import ranking
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.filters.base import Filter
from apps.scheduling.services import allocations
from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher
from tests.unit.scheduling.conftest import MakeHosts
from tests.unit.scheduling.test_filters import HOST, SPEC

OTHER = replace(HOST, id="2", name="host-2", ram_free=0)
SMALL = RequestSpec(vcpus=1, ram_mib=512, disk_gib=1)


class Failing(Filter):
    """Raises in the one of its methods that ``where`` names."""

    name = "mine"
    reason = "that I do not like"
    where = "passes"

    def _maybe(self, where: str) -> None:
        if where == self.where:
            raise KeyError("gpus")

    def applies(self, spec: RequestSpec) -> bool:
        self._maybe("applies")
        return True

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        self._maybe("passes")
        return self.where not in ("shortfall", "distance")

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        self._maybe("shortfall")
        return "is ugly"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        self._maybe("distance")
        return 1.0

    def narrow(self, spec: RequestSpec) -> frozenset[str] | None:
        self._maybe("narrow")
        return None

    def most_servers(self, host: HostState) -> int | None:
        self._maybe("most_servers")
        return None


class FailingOfFacts(Failing):
    facts_only = True


class Wrong(Failing):
    """Raises nothing, but returns an invalid value."""

    where = "none"

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return False

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return None  # type: ignore[return-value]

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return "far"  # type: ignore[return-value]


class Heavy(Weigher):
    name = "heavy"
    answer: Any = None

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        if self.answer is None:
            raise ZeroDivisionError
        return self.answer  # type: ignore[no-any-return]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def mine(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts a class of this file in force."""

    def choose(one: type[Filter], where: str = "") -> None:
        settings.SCHEDULER_FILTERS = [f"+{__name__}.{one.__name__}"]
        if where:
            monkeypatch.setattr(Failing, "where", where)

    return choose


@pytest.mark.parametrize("where", ["passes", "applies"])
def test_no_host_passes_and_the_filter_is_named(mine: Any, logged: list[Any], where: str) -> None:
    mine(Failing, where)
    verdict = ranking.rank(hosts=[HOST, replace(HOST, id="3", name="host-3")], spec=SPEC)
    assert not verdict.hosts
    told = ranking.explain(verdict=verdict, hosts=[HOST])
    assert "2 that the filter mine could not judge. Ask your operator" in told
    assert verdict.misses[0] == "host-1 could not be judged: the filter mine failed (KeyError: 'gpus')"
    assert verdict.table[-1] == {"filter": "mine", "in": 2, "out": 0}
    [entry] = [one for one in logged if one["log_level"] == "error"]
    assert entry["filter"] == "mine" and entry["exc_info"]


@pytest.mark.parametrize("where", ["shortfall", "distance"])
def test_what_it_cannot_tell_is_told_for_it(mine: Any, logged: list[Any], where: str) -> None:
    mine(Failing, where)
    verdict = ranking.rank(hosts=[HOST], spec=SPEC)
    assert verdict.reasons == {"that I do not like": 1}
    [miss] = verdict.misses
    assert "mine failed (KeyError: 'gpus')" in miss
    assert logged


def test_answers_that_are_none(mine: Any) -> None:
    mine(Wrong)
    verdict = ranking.rank(hosts=[HOST, OTHER], spec=SPEC)
    assert not verdict.hosts and len(verdict.misses) == 2


def test_where_another_filter_left_no_host(mine: Any) -> None:
    mine(Failing)
    verdict = ranking.rank(hosts=[OTHER], spec=SPEC)
    assert verdict.reasons == {"with too little RAM": 1}
    assert verdict.misses[0].startswith("host-2 lacks 512 MiB of RAM and could not be judged: the filter mine failed")


@pytest.mark.django_db
@pytest.mark.parametrize("one", [Failing, FailingOfFacts])
@pytest.mark.parametrize("size", [4, 64])
def test_a_boot_is_refused_with_the_reason(
    mine: Any, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch, one: type[Filter], size: int
) -> None:
    monkeypatch.setattr(strategy, "BLOCK_SIZE", size)
    make_hosts(12)
    mine(one)
    with pytest.raises(NoValidHost) as refusal:
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SMALL)
    assert "12 that the filter mine could not judge" in refusal.value.message
    assert "the filter mine failed (KeyError: 'gpus')" in refusal.value.values["explanation"]["misses"][0]
    mine(one, "none")
    allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SMALL)
    for where in ("narrow", "most_servers"):  # they save work, and decide nothing
        mine(one, where)
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=SMALL)


@pytest.mark.parametrize("answer", [None, float("nan"), float("inf"), "much", 10**400, object()])
def test_a_weigher_that_fails_weighs_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, logged: list[Any], answer: Any
) -> None:
    settings.SCHEDULER_WEIGHERS = [f"+{__name__}.Heavy=9"]
    settings.SCHEDULER_HOST_SUBSET_SIZE = 1
    monkeypatch.setattr(Heavy, "answer", answer)
    roomy = replace(HOST, id="2", name="host-2", ram_free=9999)
    verdict = ranking.rank(hosts=[HOST, roomy], spec=SPEC)
    assert [host.name for host in verdict.hosts] == ["host-2", "host-1"]
    assert verdict.candidates[0] == {"host": "host-2", "weight": 1.0, "weights": {"ram": 1.0}}
    [entry] = [one for one in logged if one["log_level"] == "error"]
    assert entry["weigher"] == "heavy"
