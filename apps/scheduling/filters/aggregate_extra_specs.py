"""Hosts whose aggregates say what the flavor's extra specs ask for (Nova's AggregateInstanceExtraSpecsFilter)."""

from collections.abc import Collection
from functools import lru_cache

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

SCOPE = "aggregate_instance_extra_specs"
ALL_IN = "<all-in>"
NOT_ASKED = {"group_policy"}  # a name of Nova's own that has no scope and says nothing about aggregates


class AggregateExtraSpecsFilter(Filter):
    """Looks at keys of the scope ``aggregate_instance_extra_specs``.

    The value may begin with an operator: ``= == != >= <= > <`` (numbers), ``s== s!= s>= s> s<= s<`` (texts), ``<in>``,
    ``<all-in>``, ``<or>``; without one it has to be the same text.
    """

    name = "aggregate_extra_specs"
    reason = "without an aggregate that matches the flavor"
    advice = "Choose another flavor."
    facts_only = True

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.extra_specs)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return self._missing(host, spec) is None

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        key = self._missing(host, spec)
        values = ", ".join(sorted(host.aggregate_values(key or ""))) or "nothing"
        return f"is in no aggregate with {key} {self.requested(spec).get(key or '')} (there: {values})"

    def requested(self, spec: RequestSpec) -> dict[str, str]:
        """Return the flavor's requests to aggregates: key -> value."""
        scope = f"{SCOPE}:"
        return {name.removeprefix(scope): value for name, value in spec.extra_specs.items() if name.startswith(scope)}

    def _missing(self, host: HostState, spec: RequestSpec) -> str | None:
        """Return the first key that no aggregate answers."""
        for key, wanted in self.requested(spec).items():
            if not answers(host.aggregate_values(key), wanted):
                return key
        return None


class UnscopedExtraSpecsFilter(AggregateExtraSpecsFilter):
    """Looks at keys without a scope too, as Nova's filter does, which Nova does not use unless it is chosen."""

    name = "unscoped_extra_specs"

    def requested(self, spec: RequestSpec) -> dict[str, str]:
        """Return key -> value of the keys without a scope: the others are asked by the filter that is always there."""
        return {name: value for name, value in spec.extra_specs.items() if ":" not in name and name not in NOT_ASKED}


def answers(values: Collection[str], wanted: str) -> bool:
    """Return whether one of ``values`` matches the request; for ``<all-in>``, whether all together have its words.

    Words are separate, comma-separated, or in a list as Python writes it, as in Nova's documentation.
    """
    operator, *asked = wanted.split() or [""]
    if operator == ALL_IN:
        there = {word.strip("[]'\"") for value in values for word in value.replace(",", " ").split()}
        return bool(asked) and there.issuperset(asked)
    return any(matches(value, wanted) for value in values)


@lru_cache(maxsize=4096)
def matches(value: str, wanted: str) -> bool:
    """Return whether a value matches the request; a text never matches a comparison of numbers."""
    if value == wanted:
        return True
    import pyparsing  # here: 3.5 MiB in each process, for flavors with operators
    from oslo_utils import specs_matcher

    try:
        return specs_matcher.match(value, wanted)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, pyparsing.ParseBaseException):
        return False
