"""The contents of a config drive: OpenStack's documents and the EC2 ones.

Formats: nova/api/metadata/base.py and OpenStack's "Metadata" user guide, version 2018-08-27 for network_data.json.
"""

import base64
import ipaddress
import secrets
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from apps.compute import admin_passwords
from apps.networking.selectors import security_groups
from workers.drivers.network.base import NetworkSpec, PortSpec, SubnetSpec

if TYPE_CHECKING:
    from apps.compute.models import Server

VERSIONS = ("2018-08-27", "latest")
EC2_VERSIONS = ("2009-04-04", "latest")
Plugs = list[tuple[NetworkSpec, PortSpec]]


def files_of(server: "Server", plugs: Plugs, devices: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    """Return path -> content of a server's config drive. ``devices`` are the tagged ones."""
    user_data = base64.b64decode(server.user_data) if server.user_data else b""
    meta, network = _json(meta_data(server, devices)), _json(network_data(plugs))
    files: dict[str, bytes] = {}
    for version in VERSIONS:
        files[f"openstack/{version}/meta_data.json"] = meta
        files[f"openstack/{version}/network_data.json"] = network
        files[f"openstack/{version}/vendor_data.json"] = b"{}"
        files[f"openstack/{version}/vendor_data2.json"] = b"{}"
        if user_data:
            files[f"openstack/{version}/user_data"] = user_data
    for version in EC2_VERSIONS:
        files[f"ec2/{version}/meta-data.json"] = _json(ec2_meta_data(server, plugs))
        if user_data:
            files[f"ec2/{version}/user-data"] = user_data
    for index, file in enumerate(server.personality):
        files[f"openstack/content/{index:04d}"] = base64.b64decode(file["contents"])
    return files


def _json(document: Any) -> bytes:
    return orjson.dumps(document)


def meta_data(server: "Server", devices: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return meta_data.json."""
    document: dict[str, Any] = {
        "uuid": str(server.id),
        "name": server.name,
        "hostname": server.hostname,
        "launch_index": server.launch_index,
        "availability_zone": server.zone,
        "project_id": server.project_id,
        "meta": server.metadata,
        "devices": list(devices),
        "random_seed": base64.b64encode(secrets.token_bytes(512)).decode(),
    }
    password = admin_passwords.unseal(server.admin_password)
    if password:
        document["admin_pass"] = password
    if server.public_key:
        kind = "x509" if server.public_key.lstrip().startswith("-----BEGIN CERTIFICATE") else "ssh"
        key = {"name": server.key_name, "type": kind, "data": server.public_key}
        document |= {"public_keys": {server.key_name: server.public_key}, "keys": [key]}
    if server.personality:
        document["files"] = [
            {"path": file["path"], "content_path": f"/content/{index:04d}"}
            for index, file in enumerate(server.personality)
        ]
    return document


def network_data(plugs: Plugs) -> dict[str, Any]:
    """Return network_data.json: links, networks and services (DNS)."""
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    services: list[dict[str, Any]] = []
    for network, port in plugs:
        links.append(
            {
                "id": port.tap,
                "vif_id": port.id,
                "type": "bridge",
                "mtu": network.mtu,
                "ethernet_mac_address": port.mac,
            }
        )
        subnets = {subnet.id: subnet for subnet in network.subnets}
        for fixed in port.fixed_ips:
            entry = _network(f"network{len(networks)}", network, port, subnets[fixed.subnet_id], fixed.ip)
            networks.append(entry)
            services += [{"type": "dns", "address": dns} for dns in subnets[fixed.subnet_id].dns_nameservers]
    return {"links": links, "networks": networks, "services": services}


def _network(name: str, network: NetworkSpec, port: PortSpec, subnet: SubnetSpec, ip: str) -> dict[str, Any]:
    cidr = ipaddress.ip_network(subnet.cidr)
    document: dict[str, Any] = {"id": name, "network_id": network.id, "link": port.tap}
    if subnet.dhcp_enabled and cidr.version == 4:
        return document | {"type": "ipv4_dhcp"}
    document |= {"type": f"ipv{cidr.version}", "ip_address": ip, "netmask": str(cidr.netmask), "routes": []}
    if subnet.gateway_ip:
        any_address = "0.0.0.0" if cidr.version == 4 else "::"  # noqa: S104 - the default route's destination
        document["routes"].append({"network": any_address, "netmask": any_address, "gateway": subnet.gateway_ip})
    for route in subnet.host_routes:
        to = ipaddress.ip_network(route.destination)
        document["routes"].append(
            {"network": str(to.network_address), "netmask": str(to.netmask), "gateway": route.nexthop}
        )
    document["services"] = [{"type": "dns", "address": address} for address in subnet.dns_nameservers]
    return document


def ec2_meta_data(server: "Server", plugs: Plugs) -> dict[str, Any]:
    """Return ec2/…/meta-data.json."""
    addresses = [fixed.ip for _, port in plugs for fixed in port.fixed_ips]
    first = {6 if ":" in address else 4: address for address in reversed(addresses)}
    root = server.root_device_name or "/dev/vda"
    document: dict[str, Any] = {
        "instance-id": f"i-{server.id.hex[:8]}",
        "ami-launch-index": server.launch_index,
        "hostname": server.hostname,
        "local-hostname": server.hostname,
        "instance-type": server.flavor["original_name"],
        "placement": {"availability-zone": server.zone},
        "reservation-id": server.reservation_id,
        "security-groups": _security_groups(server, plugs),
        "block-device-mapping": {"ami": root.removeprefix("/dev/"), "root": root},
    }
    if 4 in first:
        document["local-ipv4"] = first[4]
    if 6 in first:
        document["ipv6"] = first[6]
    if server.public_key:
        document["public-keys"] = {"0": {"openssh-key": server.public_key}}
    return document


def _security_groups(server: "Server", plugs: Plugs) -> list[str]:
    """Return the names of the requested groups, or the project's default group."""
    if not server.security_groups:
        return ["default"] if plugs else []
    ids = [uuid.UUID(group) for group in server.security_groups]
    known = dict(security_groups.matching(project_id=server.project_id, names=(), ids=ids))
    return [known[key] for key in ids if key in known]
