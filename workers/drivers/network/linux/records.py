"""Records of this host's networks: one directory per network, with its record and one record per port."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from workers.drivers.network.base import FixedIP, HostRoute, NetworkSpec, PluggedPort, PortSpec, SubnetSpec
from workers.system import files
from workers.system.paths import HostPaths


def network_from(data: dict[str, object]) -> NetworkSpec:
    """A spec from its record."""
    plain = dict(data)
    subnets = tuple(_subnet_from(item) for item in plain.pop("subnets"))  # type: ignore[attr-defined]
    return NetworkSpec(subnets=subnets, **plain)  # type: ignore[arg-type]


def _subnet_from(data: dict[str, object]) -> SubnetSpec:
    plain = dict(data)
    routes = tuple(HostRoute(**item) for item in plain.pop("host_routes"))  # type: ignore[attr-defined]
    servers = tuple(plain.pop("dns_nameservers"))  # type: ignore[arg-type,var-annotated]
    return SubnetSpec(host_routes=routes, dns_nameservers=servers, **plain)  # type: ignore[arg-type]


def port_from(data: dict[str, object]) -> PortSpec:
    """A port's spec from its record."""
    plain = dict(data)
    ips = tuple(FixedIP(**item) for item in plain.pop("fixed_ips"))  # type: ignore[attr-defined]
    return PortSpec(fixed_ips=ips, **plain)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Records:
    """The records below a host's directory. Files are whole or absent; an unreadable one counts as absent."""

    paths: HostPaths

    def network_ids(self) -> tuple[str, ...]:
        """Every network that has a directory."""
        root = self.paths.networks
        return tuple(sorted(item.name for item in root.iterdir())) if root.is_dir() else ()

    def network(self, network_id: str) -> NetworkSpec | None:
        """The spec as it was recorded."""
        data = _load(self.paths.network(network_id) / "network.json")
        return network_from(data) if data else None

    def write_network(self, spec: NetworkSpec) -> None:
        """Record a network. Its directory is made."""
        files.make_directory(self.paths.networks, 0o711)
        files.make_directory(self.paths.network(spec.id), 0o711)
        _write(self.paths.network(spec.id) / "network.json", asdict(spec))

    def forget_network(self, network_id: str) -> None:
        """Remove the directory with everything in it."""
        files.remove_tree(self.paths.network(network_id))

    def _port_path(self, network_id: str, port_id: str) -> Path:
        return self.paths.network(network_id) / "ports" / f"{port_id}.json"

    def port(self, network_id: str, port_id: str) -> PortSpec | None:
        """A port as it was recorded."""
        data = _load(self._port_path(network_id, port_id))
        return port_from(data) if data else None

    def write_port(self, network_id: str, port: PortSpec) -> None:
        """Record a port."""
        path = self._port_path(network_id, port.id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write(path, asdict(port))

    def forget_port(self, network_id: str, port_id: str) -> None:
        """Forget a port. Absent is success."""
        self._port_path(network_id, port_id).unlink(missing_ok=True)

    def ports(self, network_id: str) -> tuple[PluggedPort, ...]:
        """The ports recorded for a network."""
        directory = self.paths.network(network_id) / "ports"
        ports = (self.port(network_id, path.stem) for path in sorted(directory.glob("*.json")))
        return tuple(
            PluggedPort(port.id, network_id, port.tap, port.mac, tuple(item.ip for item in port.fixed_ips))
            for port in ports
            if port is not None
        )


def _load(path: Path) -> dict[str, object] | None:
    data = files.read(path)
    if data is None:
        return None
    try:
        loaded = json.loads(data)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) else None


def _write(path: Path, data: dict[str, object]) -> None:
    encoded = json.dumps(data, indent=1).encode()
    if files.read(path) != encoded:
        files.write(path, encoded, 0o600)
