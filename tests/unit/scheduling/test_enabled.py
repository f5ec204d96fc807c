"""The operator's own filters and weighers: the settings' language, and the example of the manual."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from apps.scheduling.engine import enabled, ranking
from apps.scheduling.filters.base import Filter
from apps.scheduling.filters.ram import RamFilter
from apps.scheduling.specs import AggregateState, HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher
from tests.unit.scheduling.test_filters import HOST, SPEC

MANUAL = Path(__file__).parents[3] / "docs" / "scheduling.md"


class NameWeigher(Weigher):
    """Prefers hosts with long names."""

    name = "long_names"

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(len(host.name))


HERE = f"{__name__}.NameWeigher"


class Nameless(RamFilter):
    name = None  # type: ignore[assignment]


class Abstract(Filter):
    name, reason = "abstract", "that nobody asks"


class Weightless(Weigher):
    name = "weightless"


class Unmakeable(RamFilter):
    name = "unmakeable"

    def __init__(self, size: int) -> None: ...


class UnmakeableWeigher(NameWeigher):
    def __init__(self) -> None:
        raise OSError("no such file")


class Unset(RamFilter):
    name = "unset"
    settings: ClassVar[Mapping[str, str]] = {"size": "NO_SUCH_SETTING"}


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write the manual's module where it can be imported; return the setting that the manual gives."""
    text = MANUAL.read_text()
    [code] = re.findall(r"```python\n(# mycloud/filters\.py\n.*?)```", text, re.DOTALL)
    [setting] = re.findall(r'CELERITY_SCHEDULER_FILTERS="(.*?)"', text)
    (tmp_path / "mycloud").mkdir()
    (tmp_path / "mycloud" / "filters.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("mycloud", "mycloud.filters"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return str(setting).split(",")


def test_the_documented_filter_works(documented: list[str], settings: Any) -> None:
    settings.SCHEDULER_FILTERS = documented
    gpus = replace(HOST, id="2", name="gpus", aggregates=(AggregateState(name="a", metadata={"gpus": "4"}),))
    wanting = replace(SPEC, extra_specs={"mycloud:gpus": "1"})
    assert [host.name for host in ranking.rank(hosts=[HOST, gpus], spec=wanting).hosts] == ["gpus"]
    verdict = ranking.rank(hosts=[HOST, gpus], spec=SPEC)
    assert [host.name for host in verdict.hosts] == ["host-1"]
    assert verdict.table[-1] == {"filter": "gpu", "in": 2, "out": 1}
    assert verdict.misses == ["gpus is kept for flavors with GPUs"]


def test_filters_are_left_out(settings: Any) -> None:
    settings.SCHEDULER_FILTERS = ["-json_query", "-ram"]
    assert {"json_query", "ram"}.isdisjoint({one.name for one in enabled.filters()})
    assert ranking.rank(hosts=[replace(HOST, ram_free=0)], spec=SPEC).hosts


def test_limits_come_from_settings(settings: Any) -> None:
    settings.SCHEDULER_MAX_INSTANCES_PER_HOST = 3
    assert not ranking.rank(hosts=[replace(HOST, servers=3)], spec=SPEC).hosts
    settings.SCHEDULER_MAX_INSTANCES_PER_HOST = 0
    assert ranking.rank(hosts=[replace(HOST, servers=3)], spec=SPEC).hosts


def test_weighers_are_added_and_changed(settings: Any) -> None:
    settings.SCHEDULER_WEIGHERS = [f"+{HERE}=9", "ram=0.5", "-disk"]
    found = {one.name: multiplier for one, multiplier in enabled.weighers()}
    assert (found["long_names"], found["ram"], "disk" in found) == (9.0, 0.5, False)
    longer = replace(HOST, id="2", name="a-much-longer-name", ram_free=600)
    assert ranking.rank(hosts=[HOST, longer], spec=SPEC).candidates[0]["host"] == longer.name


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("FILTERS", "ram"), ("FILTERS", "-bogus"), ("FILTERS", "-up"), ("FILTERS", "+no.such.Module"), ("FILTERS", ""),
        ("FILTERS", f"+{HERE}"), ("WEIGHERS", "bogus=1"), ("WEIGHERS", "ram"), ("WEIGHERS", "ram=much"),
        ("WEIGHERS", "-bogus"), ("WEIGHERS", "+apps.scheduling.filters.ram.RamFilter"), ("WEIGHERS", "-ram=1"),
        ("WEIGHERS", "ram=nan"), ("WEIGHERS", "ram=inf"), ("WEIGHERS", f"+{HERE}=-inf"),
        ("FILTERS", f"+{__name__}.Nameless"), ("FILTERS", f"+{__name__}.Abstract"),
        ("WEIGHERS", f"+{__name__}.Weightless"),
        ("FILTERS", f"+{__name__}.Unmakeable"), ("WEIGHERS", f"+{__name__}.UnmakeableWeigher"),
        ("FILTERS", f"+{__name__}.Unset"), ("FILTERS", "+tests.unit.scheduling.broken_module.Filter"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_said(settings: Any, setting: str, value: str) -> None:
    setattr(settings, f"SCHEDULER_{setting}", [value])
    with pytest.raises(ImproperlyConfigured, match="CELERITY_SCHEDULER_"):
        enabled.filters() if setting == "FILTERS" else enabled.weighers()


def test_django_checks_the_settings(settings: Any) -> None:
    def told() -> list[str]:
        return [str(one.msg) for one in run_checks() if one.id == "scheduling.E001"]

    assert told() == []
    settings.SCHEDULER_FILTERS, settings.SCHEDULER_WEIGHERS = ["+no.such.Module"], ["ram=nan"]
    first, second = told()
    assert "CELERITY_SCHEDULER_FILTERS: '+no.such.Module' cannot be imported" in first
    assert "CELERITY_SCHEDULER_WEIGHERS: 'ram=nan'" in second
    settings.PROCESS = "host-agent"
    assert told() == [], "an agent's machine need not have the operator's module"


def test_the_manual_names_every_filter_and_weigher() -> None:
    text = MANUAL.read_text()
    for name in [one.name for one in enabled.filters()] + [one.name for one, _ in enabled.weighers()]:
        assert f"`{name}`" in text, name
