"""Which packets a host's datapath takes whole. The kernel's takes all; Open vSwitch's own depends on its version."""

from __future__ import annotations

from dataclasses import dataclass

from workers.drivers.network.ovn.ovsdb import Ovsdb

NETDEV = "netdev"
TUNNELS_SINCE = (3, 5)  # the first version whose user-space tunnels take them


@dataclass(frozen=True, slots=True)
class Offloads:
    """Whether packets pass whose checksums and segments guests left to the host: between guests, and in tunnels."""

    guests: bool = True
    tunnels: bool = True


def read(switch: Ovsdb) -> Offloads:
    """Return what the host's switch takes, as it is configured. 1 query of its database."""
    (rows,) = switch.select([("Open_vSwitch", [], ("external_ids", "other_config", "ovs_version"))])
    for row in rows:
        ids, config = dict(row["external_ids"]), dict(row["other_config"])  # type: ignore[arg-type]
        if ids.get("ovn-bridge-datapath-type") == NETDEV:
            return Offloads(config.get("userspace-tso-enable") == "true", _version(row["ovs_version"]) >= TUNNELS_SINCE)
    return Offloads()


def _version(column: object) -> tuple[int, ...]:
    """Return a version's numbers; none while the switch has not started."""
    texts = sorted(map(str, column)) if isinstance(column, frozenset | set | tuple) else [str(column)]
    return tuple(int(part) for text in texts for part in text.split(".")[:2] if part.isdigit())
