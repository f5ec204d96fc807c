"""The contract of security groups: what may reach ports, and what ports may reach. `base/l2.py`'s rules hold here, too.

A port that names its groups (`l2.PortSpec.groups`) drops everything that none of them allows. Its groups must be there
first: else EngineUnavailable, and nothing is written. What belongs to an allowed connection passes both ways; when the
rule goes, established connections end. Ports can ask for an address by DHCP whatever their groups say, and none can
answer for a DHCP server.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

TCP, UDP, SCTP, ICMP, ICMP_6 = 6, 17, 132, 1, 58
WITH_PORTS = frozenset({TCP, UDP, SCTP})


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One permission. None stands for "any"; `protocol` is IANA's number, `remote` a range or a group's id.

    `low` and `high` are the first and the last port, or type and code of ICMP.
    """

    direction: Literal["ingress", "egress"]
    version: Literal[4, 6] = 4
    protocol: int | None = None
    low: int | None = None
    high: int | None = None
    remote_range: str | None = None
    remote_group: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be programmed: better no rule than one that allows more than it says."""
        if self.direction not in ("ingress", "egress") or self.version not in (4, 6):
            raise SpecInvalid(f"not a direction and an IP version: {self.direction!r}, {self.version!r}")
        if self.protocol is not None:
            values.check_range(self.protocol, "a protocol's number", 0, 255)
        self._check_ports()
        if self.remote_range is not None and self.remote_group is not None:
            raise SpecInvalid("a rule has a remote range or a remote group")
        if self.remote_range is not None:
            values.check_cidr(self.remote_range)
            if ipaddress.ip_network(self.remote_range).version != self.version:
                raise SpecInvalid(f"a rule of IPv{self.version} with the range {self.remote_range}")
        if self.remote_group is not None:
            values.check_uuid(self.remote_group, "a group's id")

    def _check_ports(self) -> None:
        if self.is_icmp:
            for number in (self.low, self.high):
                values.check_range(number or 0, "an ICMP type or code", 0, 255)
            if self.high is not None and self.low is None:
                raise SpecInvalid("an ICMP code needs a type")
        elif self.low is not None or self.high is not None:
            if self.protocol not in WITH_PORTS or self.low is None or self.high is None:
                raise SpecInvalid("ports need a protocol that has them, a first and a last one")
            values.check_range(self.low, "a port", 0, self.high)
            values.check_range(self.high, "a port", self.low, 65535)

    @property
    def is_icmp(self) -> bool:
        """Whether `low` and `high` are a type and a code. Both protocols mean that of the rule's IP version."""
        return self.protocol in (ICMP, ICMP_6)


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """One security group. `stateful` False: answers need a rule, too."""

    id: str
    rules: tuple[RuleSpec, ...] = ()
    stateful: bool = True

    def __post_init__(self) -> None:
        """The id becomes a name."""
        values.check_uuid(self.id, "a group's id")


class RulesDriver(ABC):
    """The cloud's security groups."""

    @abstractmethod
    def ensure_groups(self, groups: Sequence[GroupSpec]) -> None:
        """Have groups with these rules and no others; their members stay. All groups must exist that they name.

        Failure (EngineUnavailable, EngineRefused): nothing of this call is there.
        """

    @abstractmethod
    def remove_groups(self, group_ids: Iterable[str]) -> None:
        """Remove groups with their rules. Members stay ports, guarded by their other groups. Absent is success."""

    @abstractmethod
    def list_groups(self) -> frozenset[str]:
        """The ids of all groups there are."""

    @abstractmethod
    def flows(self, group: GroupSpec, members: int) -> int:
        """Estimate how many flows a group costs a host that has `members` ports of it. Nothing is read."""
