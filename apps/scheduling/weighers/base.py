"""The contract of a weigher."""

from abc import ABC, abstractmethod

from apps.scheduling.specs import HostState, RequestSpec


class Weigher(ABC):
    """One reason to prefer a host. Pure: it reads its arguments and nothing else.

    ``multiplier_key`` is the key of an aggregate's metadata that puts another multiplier in the place of the setting's
    for its hosts; without one it is the name with ``_weight_multiplier``.
    """

    name: str
    multiplier_key: str = ""
    of_load = False  # about how much there is to do on a host: hosts that differ in this alone may change places

    def applies(self, spec: RequestSpec) -> bool:
        """Return whether hosts can differ in this for the spec; where not, none gets a weight."""
        return True

    @abstractmethod
    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        """Return a raw weight; the engine scales all hosts' weights to 0…1 and multiplies."""

    @property
    def key(self) -> str:
        return self.multiplier_key or f"{self.name}_weight_multiplier"
