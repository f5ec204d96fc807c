"""The enabled filters and weighers: built-in ones, and changes by the settings.

Both settings are lists, empty as a rule:

- ``SCHEDULER_FILTERS``: ``+package.module.Class`` adds a filter, ``-name`` leaves one out.
- ``SCHEDULER_WEIGHERS``: ``+package.module.Class=2.0`` adds a weigher with its multiplier, ``name=0.5`` changes the
  multiplier of an existing one, ``-name`` removes it.
"""

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from apps.scheduling.engine.isolated import Isolated
from apps.scheduling.filters.base import Filter
from apps.scheduling.weighers.base import Weigher

_F, _W = "apps.scheduling.filters.", "apps.scheduling.weighers."
# In the order in which they run: filters of hosts' attributes come before filters of amounts.
FILTERS = (
    f"{_F}up.UpFilter",
    f"{_F}ignore_hosts.IgnoreHostsFilter",
    f"{_F}availability_zone.AvailabilityZoneFilter",
    f"{_F}same_host.SameHostFilter",
    f"{_F}different_host.DifferentHostFilter",
    f"{_F}group_affinity.GroupAffinityFilter",
    f"{_F}group_affinity.GroupAntiAffinityFilter",
    f"{_F}image_properties.ImagePropertiesFilter",
    f"{_F}traits.TraitsFilter",
    f"{_F}capabilities.CapabilitiesFilter",
    f"{_F}aggregate_extra_specs.AggregateExtraSpecsFilter",
    f"{_F}aggregate_tenants.AggregateTenantsFilter",
    f"{_F}aggregate_types.AggregateTypesFilter",
    f"{_F}ram.RamFilter",
    f"{_F}vcpu.VcpuFilter",
    f"{_F}disk.DiskFilter",
    f"{_F}num_instances.NumInstancesFilter",
    f"{_F}io_ops.IoOpsFilter",
    f"{_F}json_query.JsonQueryFilter",
)
# Multipliers are Nova's, but for the soft policies: Nova's 1 is outweighed by how full the group's own host is.
WEIGHERS = (
    (f"{_W}ram.RamWeigher", 1.0),
    (f"{_W}vcpu.VcpuWeigher", 1.0),
    (f"{_W}disk.DiskWeigher", 1.0),
    (f"{_W}io_ops.IoOpsWeigher", -1.0),
    (f"{_W}build_failure.BuildFailureWeigher", 1_000_000.0),
    (f"{_W}soft_affinity.SoftAffinityWeigher", 10.0),
    (f"{_W}soft_affinity.SoftAntiAffinityWeigher", 10.0),
    (f"{_W}same_zone.SameZoneWeigher", 5.0),
    (f"{_W}volume_host.VolumeHostWeigher", 10.0),
    (f"{_W}hypervisor_version.HypervisorVersionWeigher", 1.0),
)
# Filters that cannot be removed: servers would be placed on hosts that cannot answer.
KEPT = ("up",)
NEEDED = {"FILTERS": ("name", "reason"), "WEIGHERS": ("name",)}  # texts that a class has to have


def filters() -> list[Filter]:
    """Return the filters in their order, an operator's own ones isolated, for one choice.

    Raises ImproperlyConfigured when the setting cannot be understood.
    """
    enabled: list[Filter] = []
    for filter_class, change in _filter_classes(tuple(settings.SCHEDULER_FILTERS)):
        if change:
            enabled.append(Isolated(_own(change, partial(_with_settings, filter_class))))
        else:
            enabled.append(_with_settings(filter_class))
    return enabled


def _with_settings(cls: type[Filter]) -> Filter:
    given = {argument: getattr(settings, name) for argument, name in cls.settings.items()}
    return _made(cls, tuple(sorted(given.items())))


def weighers() -> list[tuple[Weigher, float]]:
    """Return the weighers with their multipliers. Raises ImproperlyConfigured."""
    return _weighers(tuple(settings.SCHEDULER_WEIGHERS))


@lru_cache(maxsize=64)
def _made(make: Callable[..., Filter], given: tuple[tuple[str, Any], ...]) -> Filter:
    return make(**dict(given))


@lru_cache(maxsize=8)
def _filter_classes(changes: tuple[str, ...]) -> list[tuple[type[Filter], str]]:
    """Return the classes, each with the part of the setting that added it: "" of the house's."""
    classes = {cls.name: (cls, "") for cls in map(import_string, FILTERS)}
    for change in changes:
        sign, word = change[:1], change[1:].strip()
        if sign == "+":
            cls = _import(word, Filter, change)
            classes[cls.name] = (cls, change)
        elif sign == "-" and word in classes and word not in KEPT:
            del classes[word]
        else:
            raise ImproperlyConfigured(f"CELERITY_SCHEDULER_FILTERS: {_wrong(change, classes)}")
    return list(classes.values())


@lru_cache(maxsize=8)
def _weighers(changes: tuple[str, ...]) -> list[tuple[Weigher, float]]:
    by_name = {
        weigher.name: (weigher, multiplier)
        for weigher, multiplier in ((import_string(path)(), m) for path, m in WEIGHERS)
    }
    for change in changes:
        word, equals, number = (part.strip() for part in change.partition("="))
        name = word.removeprefix("+").removeprefix("-")
        if word.startswith("+"):
            weigher = _own(change, _import(name, Weigher, change), "WEIGHERS")
            by_name[weigher.name] = (weigher, _number(number or "1.0", change))
        elif word.startswith("-") and name in by_name and not equals:
            del by_name[name]
        elif word in by_name and equals:
            by_name[name] = (by_name[name][0], _number(number, change))
        else:
            raise ImproperlyConfigured(f"CELERITY_SCHEDULER_WEIGHERS: {_wrong(change, by_name)}")
    return list(by_name.values())


def _import(path: str, kind: type, change: str) -> Any:
    setting = "FILTERS" if kind is Filter else "WEIGHERS"
    try:
        cls = import_string(path)
    except Exception as error:  # whatever a module does when it is imported
        raise ImproperlyConfigured(
            f"CELERITY_SCHEDULER_{setting}: '{change}' cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, kind)):
        raise ImproperlyConfigured(f"CELERITY_SCHEDULER_{setting}: '{change}' is no subclass of {kind.__name__}")
    missing = [word for word in NEEDED[setting] if not isinstance(getattr(cls, word, None), str)]
    missing += sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise ImproperlyConfigured(f"CELERITY_SCHEDULER_{setting}: '{change}' has no {' and no '.join(missing)}")
    return cls


def _own(change: str, make: Callable[[], Any], setting: str = "FILTERS") -> Any:
    try:
        return make()
    except Exception as error:  # whatever an operator's class does when it is made
        raise ImproperlyConfigured(
            f"CELERITY_SCHEDULER_{setting}: '{change}' cannot be made: {type(error).__name__}: {error}"
        ) from error


def _number(text: str, change: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ImproperlyConfigured(f"CELERITY_SCHEDULER_WEIGHERS: '{change}' has no number behind the =")
    return number


def _wrong(change: str, known: Any) -> str:
    return f"'{change}' is not understood: + and a dotted path, or - and one of {', '.join(known)}"
