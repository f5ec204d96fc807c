"""The contract of a filter."""

from abc import ABC, abstractmethod

from apps.scheduling.states import Demand, HostState


class Filter(ABC):
    """``reason`` is what a user reads when this filter left no host."""

    name: str
    reason: str
    soft_for_forced = True  # a host that an administrator named skips this filter

    @abstractmethod
    def passes(self, host: HostState, demand: Demand) -> bool:
        """Return whether ``host`` may take the server."""

    def shortfall(self, host: HostState, demand: Demand) -> str:
        """Return what this host lacks, with amounts."""
        return self.reason
