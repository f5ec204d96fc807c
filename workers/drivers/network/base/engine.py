"""The contract of a cloud's network engine: its drivers, its health, and the whole compared with the rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from workers.drivers.network.base.l2 import L2Driver, NetworkSpec, PortSpec, PortState
from workers.drivers.network.base.l3 import FloatingIPSpec, L3Driver, RouterSpec
from workers.drivers.network.base.rules import GroupSpec, RulesDriver


@dataclass(frozen=True, slots=True)
class NetworkPorts:
    """A network with all of its ports."""

    network: NetworkSpec
    ports: tuple[PortSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudSpec:
    """Everything that a cloud's rows say of its networking."""

    networks: tuple[NetworkPorts, ...] = ()
    routers: tuple[RouterSpec, ...] = ()
    floating_ips: tuple[FloatingIPSpec, ...] = ()
    groups: tuple[GroupSpec, ...] = ()


OnRefused = Callable[[str, str], None]


class NetworkEngine(ABC):
    """One cloud's networking. Made by `workers.drivers.network.loader.load_engine(name, options)`.

    Threads may share an engine. After a fork each process makes its own.
    """

    l2: L2Driver
    l3: L3Driver
    rules: RulesDriver

    @abstractmethod
    def ping(self) -> None:
        """Raise EngineUnavailable unless the engine answers."""

    @abstractmethod
    def claim(self, *, steal: bool = False) -> None:
        """Become the only process that writes the description, until `close` or this process ends.

        `steal` takes that over from another one, whose next write fails. Without a claim, writes are not guarded.
        Raises EngineUnavailable while another process has claimed it.
        """

    @abstractmethod
    def differences(self, cloud: CloudSpec) -> tuple[str, ...]:
        """Describe how the engine's description differs from the cloud's; empty when it is as the rows say.

        Reads only.
        """

    @abstractmethod
    def reconcile(self, cloud: CloudSpec, on_refused: OnRefused | None = None) -> tuple[str, ...]:
        """Make the description as the cloud's rows say, and return what differed, as `differences` would.

        An empty description is rebuilt, and what no row knows is removed. What is right is not written again.
        A change that the engine refuses is given to `on_refused`, in words and with the reason, and left out, so that
        nobody else's waits for it; without that function, it raises EngineRefused.
        Failure: what was mended before it stays; call again.
        """

    @abstractmethod
    def watch(self, on_port: Callable[[PortState], None]) -> Callable[[], None]:
        """Report every port's state now, after each reconnect, and at each change, from a thread of the engine's.

        Returns the function that ends it. An engine that is away is awaited; `on_port` must not raise.
        """

    @abstractmethod
    def close(self) -> None:
        """Close connections. The engine may be used again."""
