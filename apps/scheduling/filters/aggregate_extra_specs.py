"""Hosts whose aggregates say what the flavor's extra specs ask for (Nova's AggregateInstanceExtraSpecsFilter)."""

from collections.abc import Collection
from functools import lru_cache

import pyparsing
from oslo_utils import specs_matcher

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState

SCOPE = "aggregate_instance_extra_specs"
ALL_IN = "<all-in>"
NOT_ASKED = {"group_policy"}  # a name of Nova's own that has no scope and says nothing about aggregates


class AggregateExtraSpecsFilter(Filter):
    """Looks at keys of the scope ``aggregate_instance_extra_specs`` and at keys without any.

    The value may begin with an operator: ``= == != >= <= > <`` (numbers), ``s== s!= s>= s> s<= s<`` (texts), ``<in>``,
    ``<all-in>``, ``<or>``; without one it has to be the same text.
    """

    name = "aggregate_extra_specs"
    reason = "in no aggregate with what the flavor asks for"
    advice = "Choose another flavor."
    facts_only = True

    def applies(self, demand: Demand) -> bool:
        return bool(demand.extra_specs)

    def passes(self, host: HostState, demand: Demand) -> bool:
        return self._missing(host, demand) is None

    def shortfall(self, host: HostState, demand: Demand) -> str:
        key = self._missing(host, demand)
        said = ", ".join(sorted(host.said(key or ""))) or "nothing"
        return f"is in no aggregate with {key} {_asked(demand).get(key or '')} (there: {said})"

    def _missing(self, host: HostState, demand: Demand) -> str | None:
        """Return the first key that no aggregate answers."""
        for key, wanted in _asked(demand).items():
            if not answers(host.said(key), wanted):
                return key
        return None


def _asked(demand: Demand) -> dict[str, str]:
    found = {}
    for name, value in demand.extra_specs.items():
        scope, colon, rest = name.partition(":")
        if not colon and name not in NOT_ASKED:
            found[name] = value
        elif scope == SCOPE:
            found[rest] = value
    return found


def answers(values: Collection[str], wanted: str) -> bool:
    """Return whether one of ``values`` answers what is asked for; of ``<all-in>``, whether all together have its words.

    Words stand alone, behind commas, or in a list as Python writes it, which is how Nova's documentation tells them.
    """
    operator, *asked = wanted.split() or [""]
    if operator == ALL_IN:
        there = {word.strip("[]'\"") for value in values for word in value.replace(",", " ").split()}
        return bool(asked) and there.issuperset(asked)
    return any(matches(value, wanted) for value in values)


@lru_cache(maxsize=4096)
def matches(value: str, wanted: str) -> bool:
    """Return whether a value answers what is asked for; a text where a number is compared does not."""
    if value == wanted:
        return True
    try:
        return specs_matcher.match(value, wanted)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, pyparsing.ParseBaseException):
        return False
