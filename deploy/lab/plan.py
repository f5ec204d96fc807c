"""Names, addresses and directories of a lab."""

import ipaddress
import os
import socket
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.environment import DEFAULTS, Environment, read_file
from deploy.errors import DeployError

SYSTEM_DIRECTORY = Path("/var/lib/celerity-lab")
RANGE = "198.18.240.0/22"
MOST_HOSTS = 20
API_PORT, CONSOLE_PORT, SOUTHBOUND_PORT = 8000, 8774, 6642
MACHINE = 254  # this machine's address in the management network
SWITCHES = ("management", "tunnels", "external")
OURS = {"management": "lab-management", "external": "lab-external"}  # this machine's devices


@dataclass(frozen=True)
class LabHost:
    """One host. ``state`` is its state directory, ``root`` what stands for its own disk beside that."""

    number: int
    name: str
    state: Path
    root: Path
    management: ipaddress.IPv4Interface
    tunnels: ipaddress.IPv4Interface

    @property
    def is_first(self) -> bool:
        """Whether the cloud's databases and API are on this host."""
        return self.number == 1

    @property
    def pid_file(self) -> Path:
        return self.root / "init.pid"

    @property
    def file(self) -> Path:
        """The host's settings."""
        return self.state / "celerity.env"

    def environment(self) -> Environment:
        """Return the host's settings as its file has them."""
        return Environment(self.state, {**DEFAULTS, **read_file(self.file)})


@dataclass(frozen=True)
class Plan:
    """A lab of ``count`` hosts below ``directory``, with addresses of ``range``: a /24 for each of three networks."""

    directory: Path
    count: int
    range: ipaddress.IPv4Network

    @cached_property
    def networks(self) -> dict[str, ipaddress.IPv4Network]:
        """The networks by their switches: management, tunnels, external."""
        return dict(zip(SWITCHES, self.range.subnets(new_prefix=24), strict=False))

    @cached_property
    def hosts(self) -> list[LabHost]:
        return [self._host(number) for number in range(1, self.count + 1)]

    @property
    def first(self) -> LabHost:
        return self.hosts[0]

    @property
    def namespace(self) -> str:
        """The network namespace of the switches, as `ip netns` lists it."""
        if self.directory == SYSTEM_DIRECTORY:
            return SYSTEM_DIRECTORY.name
        return f"{SYSTEM_DIRECTORY.name}-{zlib.crc32(str(self.directory).encode()):08x}"

    @property
    def url(self) -> str:
        return f"http://{self.first.management.ip}:{API_PORT}"

    def address(self, network: str, number: int) -> ipaddress.IPv4Interface:
        """Return an address in one of the networks, with its prefix."""
        whole = self.networks[network]
        return ipaddress.IPv4Interface((whole.network_address + number, whole.prefixlen))

    def _host(self, number: int) -> LabHost:
        name = f"compute-{number}"
        return LabHost(
            number, name, self.directory / name, self.directory / "machines" / name,
            self.address("management", number), self.address("tunnels", number),
        )  # fmt: skip


def make(directory: Path, count: int, range_: str = RANGE) -> Plan:
    """Return the plan. Raises DeployError for a number or a range that cannot be used."""
    if not 2 <= count <= MOST_HOSTS:
        raise DeployError(f"HOSTS is {count}; a lab has 2 to {MOST_HOSTS} hosts.", hint="make lab HOSTS=3")
    try:
        whole = ipaddress.IPv4Network(range_)
    except ValueError as error:
        raise DeployError(f"CELERITY_LAB_RANGE: {error}.") from None
    if whole.prefixlen > 22:
        raise DeployError(f"CELERITY_LAB_RANGE is {whole}; a lab needs a /22.", hint=f"For example {RANGE}.")
    return Plan(directory, count, whole)


def directory() -> Path:
    """Return the directory of the lab that the process environment names."""
    return Path(os.environ.get("CELERITY_LAB_DIR") or SYSTEM_DIRECTORY).absolute()


def present(directory: Path) -> Plan | None:
    """Return the plan of the lab in a directory, None if there is none."""
    try:
        count, range_ = (directory / "plan").read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return make(directory, int(count), range_)


def note(plan: Plan) -> None:
    """Write down the plan, so that later commands find the same lab."""
    plan.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = plan.directory / ".plan"
    partial.write_text(f"{plan.count} {plan.range}\n")
    partial.rename(plan.directory / "plan")


def own_devices() -> list[str]:
    """Return this machine's devices of a lab that exist."""
    return sorted({name for _, name in socket.if_nameindex()} & set(OURS.values()))
