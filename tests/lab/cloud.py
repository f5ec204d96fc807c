"""The cloud of a lab as its administrator uses it: networks, routers, guests on chosen hosts, ssh into them."""

import subprocess
import uuid
from dataclasses import dataclass
from typing import Any

from deploy import first_server
from deploy.cloud_api import CloudApi
from deploy.lab.lab import Lab
from deploy.lab.plan import LabHost
from tests.cloud import wait_for
from tests.lab.machine import Machine
from workers.mapping.routing import gateway_hosts

COMPUTE, NETWORK = "/compute/v2.1", "/network/v2.0"
SSH = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=10", "LogLevel=ERROR")
BOOT_SECONDS = 120


@dataclass(frozen=True)
class Guest:
    """A server: its id, its host, its port and address, and its floating IP, empty without one."""

    id: str
    host: str
    port: str
    address: str
    floating_ip: str = ""


@dataclass(frozen=True)
class Guests:
    """`near` and `far` are on one network and two hosts, with floating IPs; `other` is behind the router."""

    near: Guest
    far: Guest
    other: Guest
    router: str
    group: str


class LabCloud:
    """Everything is made in the administrator's project. What a test has made, `clear` deletes."""

    def __init__(self, lab: Lab, machine: Machine) -> None:
        self.lab, self.machine = lab, machine
        self.api = CloudApi(lab.plan.first.environment().clouds_yaml, "celerity-admin")
        self.key, public = first_server.key_pair(lab.plan.first.state)
        self.api.post(f"{COMPUTE}/os-keypairs", {"keypair": {"name": "lab", "public_key": public}})
        self.image = self.api.get("/image/v2/images", name="tiny")["images"][0]["id"]
        flavors = self.api.get(f"{COMPUTE}/flavors")["flavors"]
        self.flavor = next(flavor["id"] for flavor in flavors if flavor["name"] == "m1.tiny")
        self.external = self.api.get(f"{NETWORK}/networks", name="public")["networks"][0]["id"]
        self._made: list[tuple[str, str]] = []

    def force_down(self, name: str, *, down: bool) -> None:
        """Say that a host is dead, or take that back."""
        listed = self.api.get(f"{COMPUTE}/os-services", binary="nova-compute", microversion="2.53")["services"]
        service = next(row["id"] for row in listed if row["host"] == name)
        self.api.put(f"{COMPUTE}/os-services/{service}", {"forced_down": down}, microversion="2.53")

    def host(self, name: str) -> LabHost:
        return next(host for host in self.lab.plan.hosts if host.name == name)

    def make(self, kind: str, **values: Any) -> dict[str, Any]:
        """Create a network, subnet, router, … and remember it."""
        key = kind.replace("-", "_")
        made: dict[str, Any] = self.api.post(f"{NETWORK}/{kind}s", {key: values}).json()[key]
        self._made.append((f"{NETWORK}/{kind}s", made["id"]))
        return made

    def forget(self, identity: str) -> None:
        """Leave to the caller to delete what was made."""
        self._made = [made for made in self._made if made[1] != identity]

    def network(self, name: str, cidr: str, router: str = "", **provider: object) -> str:
        """Return the id of a new network with a subnet, on a router if one is named."""
        network: str = self.make("network", name=name, **{f"provider:{key}": value for key, value in provider.items()})[
            "id"
        ]
        subnet = self.make("subnet", network_id=network, cidr=cidr, ip_version=4)["id"]
        if router:
            self.api.put(f"{NETWORK}/routers/{router}/add_router_interface", {"subnet_id": subnet})
        return network

    def router(self, name: str) -> str:
        """Return the id of a new router with a gateway to `public`."""
        return str(self.make("router", name=name, external_gateway_info={"network_id": self.external})["id"])

    def router_on(self, name: str, host: str) -> str:
        """Return the id of a new router whose gateway is on a host: the engine chooses by the router's id."""
        hosts = [item.name for item in self.lab.plan.hosts]
        while True:
            router = self.router(name)
            if gateway_hosts(uuid.UUID(router), hosts)[0] == host:
                return router
            self.api.delete(f"{NETWORK}/routers/{router}")
            self._made.pop()

    def open_group(self, name: str) -> str:
        """Return the id of a new group that lets everything in over IPv4."""
        group: str = self.make("security-group", name=name)["id"]
        self.make("security-group-rule", security_group_id=group, direction="ingress", ethertype="IPv4")
        return group

    def order(self, name: str, host: str, network: str, group: str, ip: str = "", **other: str) -> str:
        """Ask for a server on a host, perhaps with an address, or of an ``imageRef`` or a ``flavorRef`` other than the
        usual ones; return its id. Does not wait.
        """
        wanted = {"uuid": network, "fixed_ip": ip} if ip else {"uuid": network}
        server = {
            "name": name, "imageRef": self.image, "flavorRef": self.flavor, "key_name": "lab", "host": host,
            "networks": [wanted], "security_groups": [{"name": group}], **other,
        }  # fmt: skip
        made = self.api.post(f"{COMPUTE}/servers", {"server": server}, microversion="2.74").json()["server"]["id"]
        self._made.append((f"{COMPUTE}/servers", made))
        return str(made)

    def active(self, server: str) -> Guest:
        """Wait until a server is ACTIVE, and return it."""

        def settled() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.api.get(f"{COMPUTE}/servers/{server}")["server"]
            return shown if shown["status"] != "BUILD" else None

        shown = wait_for(settled, what=f"server {server} built", seconds=BOOT_SECONDS)
        assert shown["status"] == "ACTIVE", shown.get("fault")
        port = self.api.get(f"{NETWORK}/ports", device_id=server)["ports"][0]
        address = next(item["ip_address"] for item in port["fixed_ips"] if ":" not in item["ip_address"])
        return Guest(server, shown["OS-EXT-SRV-ATTR:hypervisor_hostname"], port["id"], address)

    def mac(self, guest: Guest) -> str:
        return str(self.api.get(f"{NETWORK}/ports/{guest.port}")["port"]["mac_address"])

    def reachable(self, guest: Guest) -> Guest:
        """Give a guest a floating IP; return it once it answers by ssh there."""
        made = self.make("floatingip", floating_network_id=self.external, port_id=guest.port)
        outside = Guest(guest.id, guest.host, guest.port, guest.address, str(made["floating_ip_address"]))
        try:
            wait_for(lambda: self.ssh(outside, "true", check=False) is not None, what="ssh", seconds=BOOT_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {made}\n{self.console(guest)}") from None
        return outside

    def console(self, guest: Guest) -> str:
        """Return the last lines of a guest's console."""
        asked = {"os-getConsoleOutput": {"length": 60}}
        return str(self.api.post(f"{COMPUTE}/servers/{guest.id}/action", asked).json()["output"])

    def command(self, guest: Guest, text: str, by: Guest | None = None) -> list[str]:
        """Return the command line that runs a command in a guest; in one without a floating IP, ``by`` another one."""
        options = [part for option in SSH for part in ("-o", option)]
        if by is not None and not guest.floating_ip:
            inner = " ".join(["ssh", "-i", str(self.key), *options, "-W", f"{guest.address}:22"])
            options += ["-o", f"ProxyCommand={inner} root@{by.floating_ip}"]
        return ["ssh", "-i", str(self.key), *options, f"root@{guest.floating_ip or guest.address}", text]

    def ssh(self, guest: Guest, text: str, *, by: Guest | None = None, check: bool = True) -> str | None:
        """Run a command in a guest and return its output; None if it failed and ``check`` is not set."""
        done = subprocess.run(
            self.command(guest, text, by), capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL
        )
        assert not check or done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
        return done.stdout.strip() if done.returncode == 0 else None

    def wait_gone(self, server: str) -> None:
        def listed() -> list[str]:
            return [item["id"] for item in self.api.get(f"{COMPUTE}/servers")["servers"]]

        wait_for(lambda: server not in listed(), what=f"server {server} gone", seconds=BOOT_SECONDS)

    def clear(self) -> None:
        """Delete what was made, the last first, and wait until it is gone."""
        listed = [server["id"] for server in self.api.get(f"{COMPUTE}/servers")["servers"]]
        for server in listed:
            self.api.delete(f"{COMPUTE}/servers/{server}")
        for server in listed:
            self.wait_gone(server)
        for path, identity in reversed(self._made):
            if path.endswith("/routers"):
                for port in self.api.get(f"{NETWORK}/ports", device_id=identity)["ports"]:
                    if port["device_owner"] == "network:router_interface":
                        self.api.put(f"{path}/{identity}/remove_router_interface", {"port_id": port["id"]})
        for path, identity in sorted(self._made, key=lambda made: _ORDER.index(made[0].rpartition("/")[2])):
            if not path.endswith("/servers"):
                self.api.delete(f"{path}/{identity}")
        self._made.clear()


_ORDER = ("servers", "floatingips", "routers", "security-group-rules", "security-groups", "subnets", "networks")
