"""The contract of a filter."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from apps.scheduling.specs import HostState, RequestSpec

OTHER_KIND = 10.0  # further away than any host that is only too small


class Filter(ABC):
    """One reason why a host may not take a server. Pure: it reads its arguments and nothing else.

    ``reason`` describes the removed hosts to users ("4 with too little RAM"), ``advice`` says what users can do.
    Neither names hosts or amounts: those are for operators, in ``shortfall``.
    """

    name: str
    reason: str
    advice: str = ""
    soft_for_forced = True  # a host that an administrator named skips this filter
    # Reads only a host's attributes (zone, architecture, hypervisor, traits, aggregates; not its name), and only a
    # spec's zone, project, flavor, extra specs and image properties: its answers can be cached.
    facts_only = False
    failure = ""  # what an operator's own filter raised (apps/scheduling/engine/isolated.py)
    limits_servers = False  # most_servers() returns limits
    settings: ClassVar[Mapping[str, str]] = {}  # argument of __init__ -> name of the Django setting it is given

    def applies(self, spec: RequestSpec) -> bool:
        """Return whether this spec asks for anything that this filter looks at; where not, every host passes."""
        return True

    @abstractmethod
    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        """Return whether ``host`` may take the server."""

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        """Return what this host lacks, with amounts: "lacks 512 MiB of RAM"."""
        return f"is {self.reason}"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        """Return how far a host is from passing: 1 is short of all that is asked for. Orders the nearest misses."""
        return OTHER_KIND

    def of_attributes(self, spec: RequestSpec) -> bool:
        """Return whether for this spec it reads only what ``facts_only`` names."""
        return self.facts_only

    def most_servers(self, host: HostState) -> int | None:
        """Return how many servers ``host`` may have at most; None: any number.

        The counts in ``passes`` may be outdated at the claim, which counts again under the host's lock.
        """
        return None

    def narrow(self, spec: RequestSpec) -> frozenset[str] | None:
        """Return the names of the only hosts that could pass, where the spec names them; None: any could."""
        return None


def share(asked: int, free: int) -> float:
    """Return the part of ``asked`` that is missing."""
    return (asked - free) / max(asked, 1)
