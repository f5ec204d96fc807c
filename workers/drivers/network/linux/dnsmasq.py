"""dnsmasq: one daemon per network, which outlives the process that started it; DHCP with fixed entries, and DNS."""

from __future__ import annotations

import ipaddress
import signal
from collections.abc import Sequence
from pathlib import Path

from workers.drivers import values
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import Lease, NetworkSpec, PortSpec, SubnetSpec
from workers.drivers.network.errors import NetworkUnavailable
from workers.system import files, processes

_START_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 3.0
_METADATA_ROUTE = "169.254.169.254/32"


def render(name: str, *parts: object) -> str:
    """One line of dnsmasq's language: the option's name and its comma-separated parts.

    The only way by which a value gets into a file that dnsmasq reads. Raises SpecInvalid for a part that could
    begin another part, another line or a comment: a control character, a comma, white space, # or a quote.
    """
    texts = [str(part) for part in parts]
    for text in texts:
        values.check_plain_text(text, "a DHCP value")
        if any(ch in ',#"\\' or ch.isspace() for ch in text):
            raise SpecInvalid(f"a DHCP value holds a special character: {text!r}")
    if name and texts:
        return f"{name}={','.join(texts)}"
    return name or ",".join(texts)


def parse(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Parse the output of `render`: pairs of name and parts."""
    pairs = [line.partition("=") for line in text.splitlines() if line]
    return [(name, tuple(value.split(",")) if equals else ()) for name, equals, value in pairs]


class Dnsmasq:
    """The dnsmasq of one network, in that network's directory."""

    def __init__(self, directory: Path, lease_time_s: int, *, metadata: bool) -> None:
        """Name its files; nothing is started. `metadata`: guests without a gateway get a route to the service."""
        self.directory = directory
        self.lease_time_s = lease_time_s
        self.metadata = metadata
        self.config = directory / "dnsmasq.conf"
        self.pid_file = directory / "dnsmasq.pid"
        self.leases = directory / "leases"
        self.hosts = directory / "hosts"

    @property
    def mark(self) -> str:
        """The argument by which a process is known as this dnsmasq."""
        return f"--conf-file={self.config}"

    def is_running(self) -> bool:
        """Say whether it lives."""
        process = processes.read_pid_file(self.pid_file)
        return process is not None and process.is_running(self.mark)

    def is_needed(self, spec: NetworkSpec) -> bool:
        """Say whether any subnet has DHCP."""
        return any(_serves(subnet) for subnet in spec.subnets)

    def ensure(self, spec: NetworkSpec) -> None:
        """Run it with the spec's configuration; restart it when the configuration changed.

        A network without a subnet that has DHCP needs none, and has none then. Raises NetworkUnavailable.
        """
        if not self.is_needed(spec):
            self.end()
            return
        files.make_directory(self.hosts, 0o755)
        text = self.configuration(spec)
        if files.read(self.config) != text.encode():
            self.end()
            files.write(self.config, text.encode(), 0o644)
        if not self.is_running():
            self._start()

    def _start(self) -> None:
        self.pid_file.unlink(missing_ok=True)
        try:
            processes.run(["dnsmasq", self.mark], timeout_s=_START_TIMEOUT_S)
        except processes.ProcessError as error:
            raise NetworkUnavailable("The host could not start DHCP.", details=error.details) from error

    def end(self) -> None:
        """End it, if it is ours: a pid that now belongs to another program is left alone."""
        process = processes.read_pid_file(self.pid_file)
        if process is not None:
            process.end(self.mark, _END_TIMEOUT_S)
        self.pid_file.unlink(missing_ok=True)

    def add_port(self, port: PortSpec, address: str | None) -> None:
        """Make a port's entry; dnsmasq sees new files by itself. Without an IPv4 address there is nothing to say."""
        path = self.hosts / port.id
        if address is None:
            self.forget_port(port.id)
            return
        parts = [port.mac, address, *([port.hostname.split(".")[0]] if port.hostname else [])]
        line = render("", *parts, f"{self.lease_time_s}s").encode() + b"\n"
        before = files.read(path)
        if before != line:
            files.make_directory(self.hosts, 0o755)
            files.write(path, line, 0o644)
            if before is not None:  # dnsmasq reads changed files only on SIGHUP
                self.reload()

    def forget_port(self, port_id: str) -> None:
        """Take a port's entry away. Absent is success."""
        path = self.hosts / port_id
        if path.exists():
            path.unlink(missing_ok=True)
            self.reload()

    def has_port(self, port_id: str) -> bool:
        """Say whether a port has an entry."""
        return (self.hosts / port_id).exists()

    def strays(self, known: set[str], *, remove: bool) -> list[str]:
        """Say which entries are of ports that are none of `known`, and remove them, and unfinished ones."""
        if not self.hosts.is_dir():
            return []
        entries = [item.name for item in self.hosts.iterdir() if not item.name.startswith(files.TEMPORARY_PREFIX)]
        stray = sorted(set(entries) - known)
        for path in files.abandoned(self.hosts) if remove else ():
            path.unlink(missing_ok=True)
        for port_id in stray if remove else ():
            self.forget_port(port_id)
        return [f"DHCP entry {port_id}" for port_id in stray]

    def reload(self) -> None:
        """Have it read its entries again."""
        process = processes.read_pid_file(self.pid_file)
        if process is not None:
            process.signal(signal.SIGHUP, self.mark)

    def lease_of(self, mac: str, port_id: str) -> Lease | None:
        """The lease of a MAC address, from the file that dnsmasq keeps."""
        for line in (files.read(self.leases) or b"").decode("utf-8", "replace").splitlines():
            words = line.split()
            if len(words) >= 4 and words[1] == mac:
                name = None if words[3] == "*" else words[3]
                return Lease(port_id=port_id, mac=mac, ip=words[2], hostname=name, expires_at=int(words[0]))
        return None

    def configuration(self, spec: NetworkSpec) -> str:
        """The file it is started with. Nothing of the system's own dnsmasq or hosts file comes in."""
        lines = [
            render("interface", spec.bridge),
            render("except-interface", "lo"),
            render("bind-interfaces"),
            render("no-hosts"),
            render("dhcp-authoritative"),
            render("dhcp-no-override"),
            render("quiet-dhcp"),
            render("domain-needed"),
            render("bogus-priv"),
            render("pid-file", self.pid_file),
            render("dhcp-leasefile", self.leases),
            render("dhcp-hostsdir", self.hosts),
            render("dhcp-option-force", "option:mtu", spec.mtu),
        ]
        if spec.domain:
            lines += [render("domain", spec.domain), render("local", f"/{spec.domain}/")]
        resolvers = [server for subnet in spec.subnets for server in subnet.dns_nameservers]
        if resolvers:  # else it asks the host's own, from /etc/resolv.conf
            lines += [render("no-resolv"), *(render("server", server) for server in dict.fromkeys(resolvers))]
        for number, subnet in enumerate(spec.subnets):
            if _serves(subnet):
                lines += self._subnet(f"subnet{number}", subnet)
        return "\n".join(lines) + "\n"

    def _subnet(self, tag: str, subnet: SubnetSpec) -> list[str]:
        net = ipaddress.IPv4Network(subnet.cidr)
        option = ("dhcp-option", f"tag:{tag}")
        servers = [item for item in subnet.dns_nameservers if ipaddress.ip_address(item).version == 4]
        lines = [
            render(
                "dhcp-range",
                f"set:{tag}",
                net.network_address,
                "static",
                net.netmask,
                f"{self.lease_time_s}s",
            ),
            render(*option, "option:dns-server", *(servers or [str(subnet.host_ip)])),
            # An option without a value is one that is not sent: otherwise dnsmasq names itself as the router.
            render(*option, "option:router", *([subnet.gateway_ip] if subnet.gateway_ip else [])),
        ]
        routes = self._routes(subnet)
        if routes:
            for number in ("option:classless-static-route", "249"):  # Windows requests option 249
                lines.append(render(*option, number, *routes))
        return lines

    def _routes(self, subnet: SubnetSpec) -> Sequence[str]:
        """Destination, next hop, and so on. A client that gets routes ignores the router (RFC 3442): so it is one."""
        pairs = [(item.destination, item.nexthop) for item in subnet.host_routes if ":" not in item.destination]
        if self.metadata and not subnet.gateway_ip and subnet.dhcp_ip:
            pairs.append((_METADATA_ROUTE, subnet.dhcp_ip))
        if pairs and subnet.gateway_ip and all(destination != "0.0.0.0/0" for destination, _ in pairs):
            pairs.append(("0.0.0.0/0", subnet.gateway_ip))
        return [text for pair in pairs for text in pair]


def _serves(subnet: SubnetSpec) -> bool:
    return subnet.version == 4 and subnet.dhcp_enabled and subnet.host_ip is not None
