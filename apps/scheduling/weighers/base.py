"""The contract of a weigher."""

from abc import ABC, abstractmethod

from apps.scheduling.states import Demand, HostState


class Weigher(ABC):
    name: str

    @abstractmethod
    def weigh(self, host: HostState, demand: Demand) -> float:
        """Return a raw weight; the engine scales all hosts' weights to 0…1 and multiplies."""
