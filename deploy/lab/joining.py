"""How a lab's host becomes part of the cloud: settings, certificate, `make up`, as docs/operators.md tells."""

from urllib.parse import urlsplit

from deploy.console import DONE
from deploy.environment import read_file
from deploy.lab import machines
from deploy.lab.plan import API_PORT, CONSOLE_PORT, SOUTHBOUND_PORT, LabHost, Plan
from deploy.secrets import BROKER_PORT, DATABASE_PORT, write_private

UP_SECONDS = 600
BRIDGE = "br-uplink"
FROM_FIRST = ("CELERITY_SECRET_KEY", "CELERITY_DATABASE_URL", "CELERITY_BROKER_URL")
# PostgreSQL and Redis of the first host listen on its loopback. This is the tunnel of docs/operators.md, by rules.
TUNNEL = """\
table ip celerity_lab
delete table ip celerity_lab
table ip celerity_lab {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "management0" tcp dport {{ {ports} }} dnat to 127.0.0.1
    }}
    chain input {{
        type nat hook input priority 100;
        iifname "management0" ip daddr 127.0.0.1 tcp dport {{ {ports} }} snat to 127.0.0.1
    }}
}}
"""


def settings(plan: Plan, host: LabHost) -> dict[str, str]:
    """Return the settings of a host that do not come from the first one."""
    southbound = f"{plan.first.management.ip}:{SOUTHBOUND_PORT}"
    every = {
        "CELERITY_HYPERVISOR": "libvirt",
        "CELERITY_HOST": host.name,
        "CELERITY_PUBLIC_URL": plan.url,
        "CELERITY_AGENT_LISTEN": f"{host.management.ip}:{CONSOLE_PORT}",
        "CELERITY_TUNNEL_UPLINK": "tunnels0",
        "CELERITY_TUNNEL_ADDRESS": str(host.tunnels.ip),
        "CELERITY_BRIDGE_MAPPINGS": f"public:{BRIDGE}",
        "CELERITY_EXTERNAL_CIDR": str(plan.networks["external"]),
        "CELERITY_MANAGEMENT_RANGES": f"{plan.networks['management']},{plan.networks['tunnels']}",
    }
    if not host.is_first:
        return {**every, "CELERITY_ROLE": "host", "CELERITY_SOUTHBOUND": f"ssl:{southbound}"}
    return {
        **every,
        "CELERITY_LISTEN": f"{host.management.ip}:{API_PORT}",
        "CELERITY_ALLOWED_HOSTS": str(host.management.ip),
        "CELERITY_SOUTHBOUND_LISTEN": southbound,
        "CELERITY_NETDEV_OFFLOADS": "multi-host",  # the others read it from the cloud
        "CELERITY_FIRST_SERVER": "false",
    }


def _shared(plan: Plan) -> dict[str, str]:
    """Return what a further host has from the first one; URLs lead to the first host's end of the tunnel."""
    stored = read_file(plan.first.file)
    values = {name: stored[name] for name in FROM_FIRST}
    for name in ("CELERITY_DATABASE_URL", "CELERITY_BROKER_URL"):
        parts = urlsplit(values[name])
        values[name] = values[name].replace(f"@{parts.hostname}:", f"@{plan.first.management.ip}:")
    return values


def write_settings(plan: Plan, host: LabHost, **more: str) -> None:
    """Write a host's celerity.env, mode 0600. What is in it already, passwords for example, stays."""
    values = {**read_file(host.file), **settings(plan, host), **more}
    if not host.is_first:
        values |= _shared(plan)
    write_private(host.file, "".join(f"{name}={value}\n" for name, value in sorted(values.items())))


def open_tunnel(plan: Plan) -> None:
    """Have the first host pass connections of others on to its PostgreSQL and Redis."""
    first = plan.first
    machines.run(first, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/management0/route_localnet")
    machines.run(first, "nft", "-f", "-", stdin=TUNNEL.format(ports=f"{DATABASE_PORT}, {BROKER_PORT}"))


def certify(plan: Plan, host: LabHost) -> None:
    """Give a further host its certificate, if it has none."""
    if (host.state / "pki" / "host.pem").exists():
        return
    request = machines.run(host, "celerity", "certificates", "request").stdout
    signed = machines.run(plan.first, "celerity", "certificates", "sign", "--host", host.name, stdin=request).stdout
    machines.run(host, "celerity", "certificates", "install", stdin=signed)


def bring_up(host: LabHost) -> list[str]:
    """Do `make up` on the host, and give the bridge of the external network its uplink; return its stages."""
    output = machines.run(host, machines.PYTHON, "-m", "deploy.up", seconds=UP_SECONDS).stdout
    switch = f"--db=unix:{host.state / 'ovn' / 'host' / 'db.sock'}"
    machines.run(host, "ovs-vsctl", switch, "--timeout=10", "--may-exist", "add-port", BRIDGE, "external0")
    return [text for text in output.splitlines() if text.startswith(DONE)]
