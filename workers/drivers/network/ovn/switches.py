"""Networks as logical switches, each with its metadata port; provider networks with a port that leads out of OVN."""

from __future__ import annotations

from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.network.ovn import localports, switch_ports
from workers.drivers.network.ovn.rows import Row, derived


def rows(network: NetworkSpec) -> list[Row]:
    """The switch, by the network's own id."""
    switch = Row("Logical_Switch", network.id, {"name": network.id, "other_config": {}})
    return [switch, localports.row(network), *_way_out(network)]


def way_out_key(network_id: str) -> str:
    """The UUID of the port that leads out of a provider network."""
    return derived("localnet", network_id)


def _way_out(network: NetworkSpec) -> list[Row]:
    if not network.physical_network:
        return []
    return [
        switch_ports.row(
            way_out_key(network.id),
            network.id,
            name=f"localnet-{network.id}",
            kind="localnet",
            options={"network_name": network.physical_network},
            addresses="unknown",
            enabled=network.admin_up,
            tag=network.vlan if network.vlan is not None else switch_ports.NOTHING,
        )
    ]
