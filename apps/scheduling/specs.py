"""Input of filters and weighers: plain data, no models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.scheduling.topologies import GuestTopology

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateState:
    """A host aggregate: its name and metadata. ``words``: the values of each key, comma-separated lists split."""

    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = {key: frozenset(word.strip() for word in value.split(",")) for key, value in self.metadata.items()}
        object.__setattr__(self, "words", words)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """The server group of a spec. ``members`` counts the group's other servers by host name."""

    policy: str  # affinity, anti-affinity, soft-affinity or soft-anti-affinity
    max_server_per_host: int = 1
    members: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host as the scheduler sees it. Free amounts already count allocation ratios and reserves."""

    id: str
    name: str
    zone: str
    enabled: bool
    up: bool
    vcpus_free: int
    ram_free: int
    disk_free: int
    arch: str
    hypervisor_type: str
    virt_type: str
    hypervisor_version: int = 0
    traits: frozenset[str] = frozenset()
    servers: int = 0
    aggregates: tuple[AggregateState, ...] = ()
    io_ops: int = 0  # servers in build (or, later, resize, migration, snapshot) on the host
    failed_builds: int = 0  # consecutive ones
    vcpus_total: int = 0  # with allocation ratio and reserve, like the free amounts
    ram_total: int = 0
    disk_total: int = 0

    def aggregate_values(self, key: str) -> frozenset[str]:
        """Return the values of ``key`` in the host's aggregates; comma-separated lists are split, as in Nova."""
        values = _NOTHING
        for aggregate in self.aggregates:
            if key in aggregate.words:
                values = values | aggregate.words[key] if values else aggregate.words[key]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec:
    """A server's requirements: vCPUs, RAM in MiB, disk in GiB, and constraints on hosts.

    ``hints`` are as sent; those that name servers are resolved to hosts: ``different_hosts`` and ``same_hosts``
    (None: not asked). ``query`` is the decoded JSON of the hint of that name.
    """

    vcpus: int
    ram_mib: int
    disk_gib: int
    zone: str | None = None
    force_host: str | None = None
    ignore_hosts: frozenset[str] = frozenset()
    image_properties: Mapping[str, str] = field(default_factory=dict)
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, object] = field(default_factory=dict)
    project_id: str = ""
    flavor_name: str = ""
    group: GroupSpec | None = None
    different_hosts: frozenset[str] = frozenset()
    same_hosts: frozenset[str] | None = None
    near_zones: frozenset[str] = frozenset()  # where it would rather be; the scheduler adds those of its group
    near_hosts: frozenset[str] = frozenset()  # that have its volumes
    query: Sequence[object] | None = None
    topology: GuestTopology | None = None
