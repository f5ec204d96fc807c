"""A server's documents, from its rows: for the metadata service and for config drives alike.

Formats: nova/api/metadata/base.py and OpenStack's "Metadata" user guide; network_data.json is of version 2018-08-27.
"""

import base64
import ipaddress
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from apps.networking.values import PortFacts, ServerAddress, SubnetFacts

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server

log = structlog.get_logger("celerity.metadata")
SEED_BYTES = 512


def bundle(
    server: "Server",
    ports: Sequence[PortFacts],
    *,
    addresses: Iterable[ServerAddress] = (),
    disks: "Iterable[BlockDevice]" = (),
    devices: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return all documents of a server, as ``tree.find`` reads them; bytes are in base64.

    ``addresses`` tell floating IPs and names of groups. ``devices`` are the tagged ones.
    """
    return {
        "meta_data": meta_data(server, devices),
        "network_data": network_data(ports),
        "vendor_data": vendor_data(),
        "user_data": server.user_data,
        "ec2": ec2_meta_data(server, ports, addresses=addresses, disks=disks),
        "content": {_content_name(index): file["contents"] for index, file in enumerate(server.personality)},
        "vendor_request": vendor_request(server),
    }


def meta_data(server: "Server", devices: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return meta_data.json, without the password that only a config drive has."""
    document: dict[str, Any] = {
        "uuid": str(server.id),
        "name": server.name,
        "hostname": server.hostname,
        "launch_index": server.launch_index,
        "availability_zone": server.zone,
        "project_id": server.project_id,
        "meta": server.metadata,
        "devices": list(devices),
        "random_seed": base64.b64encode(secrets.token_bytes(SEED_BYTES)).decode(),
    }
    if server.public_key:
        kind = "x509" if server.public_key.lstrip().startswith("-----BEGIN CERTIFICATE") else "ssh"
        key = {"name": server.key_name, "type": kind, "data": server.public_key}
        document |= {"public_keys": {server.key_name: server.public_key}, "keys": [key]}
    if server.personality:
        document["files"] = [
            {"path": file["path"], "content_path": f"/content/{_content_name(index)}"}
            for index, file in enumerate(server.personality)
        ]
    return document


def _content_name(index: int) -> str:
    return f"{index:04d}"


def vendor_data() -> dict[str, Any]:
    """Return vendor_data.json: the cloud's own, the same for every server. A file that is no JSON object is none."""
    if not settings.VENDOR_DATA:
        return {}
    try:
        document = json.loads(Path(settings.VENDOR_DATA).read_bytes())
    except (OSError, ValueError) as error:
        log.warning("vendor data not readable", path=settings.VENDOR_DATA, error=type(error).__name__)
        return {}
    return document if isinstance(document, dict) else {}


def vendor_request(server: "Server") -> dict[str, Any]:
    """Return what a vendor data service gets to know of a server, under Nova's names."""
    return {
        "project-id": server.project_id,
        "instance-id": str(server.id),
        "image-id": str(server.image_id) if server.image_id else None,
        "user-data": server.user_data or None,
        "hostname": server.hostname,
        "metadata": server.metadata,
        "boot-roles": "",
    }


def network_data(ports: Iterable[PortFacts]) -> dict[str, Any]:
    """Return network_data.json: links, networks and services (DNS)."""
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    services: list[dict[str, Any]] = []
    for port in ports:
        links.append(
            {
                "id": port.tap,
                "vif_id": str(port.id),
                "type": "ovs",
                "mtu": port.network.mtu,
                "ethernet_mac_address": port.mac,
            }
        )
        subnets = {subnet.id: subnet for subnet in port.network.subnets}
        for subnet_id, ip in port.fixed_ips:
            networks.append(_network(f"network{len(networks)}", port, subnets[subnet_id], ip))
            services += [{"type": "dns", "address": dns} for dns in subnets[subnet_id].dns_nameservers]
    return {"links": links, "networks": networks, "services": services}


def _network(name: str, port: PortFacts, subnet: SubnetFacts, ip: str) -> dict[str, Any]:
    cidr = ipaddress.ip_network(subnet.cidr)
    document: dict[str, Any] = {"id": name, "network_id": str(port.network.id), "link": port.tap}
    if subnet.enable_dhcp and cidr.version == 4:
        return document | {"type": "ipv4_dhcp"}
    # Guests that read "ipv6" take the address as fixed and hear no router advertisements.
    mode = f"_{subnet.ipv6_address_mode}" if subnet.ipv6_address_mode else ""
    document |= {"type": f"ipv{cidr.version}{mode}", "ip_address": ip, "netmask": str(cidr.netmask), "routes": []}
    # A gateway outside of the range is another machine's: nothing here announces it.
    if subnet.gateway_ip and ipaddress.ip_address(subnet.gateway_ip) in cidr:
        any_address = "0.0.0.0" if cidr.version == 4 else "::"  # noqa: S104 - the default route's destination
        document["routes"].append({"network": any_address, "netmask": any_address, "gateway": subnet.gateway_ip})
    for destination, nexthop in subnet.host_routes:
        to = ipaddress.ip_network(destination)
        document["routes"].append({"network": str(to.network_address), "netmask": str(to.netmask), "gateway": nexthop})
    document["services"] = [{"type": "dns", "address": address} for address in subnet.dns_nameservers]
    return document


def ec2_meta_data(
    server: "Server",
    ports: Iterable[PortFacts],
    *,
    addresses: Iterable[ServerAddress] = (),
    disks: "Iterable[BlockDevice]" = (),
) -> dict[str, Any]:
    """Return EC2's meta-data as a tree of its latest version."""
    fixed = [ip for port in ports for _, ip in port.fixed_ips]
    first = {6 if ":" in ip else 4: ip for ip in reversed(fixed)}
    addresses = list(addresses)
    groups = {name for address in addresses for name in address.security_groups}
    document: dict[str, Any] = {
        "instance-id": f"i-{server.id.hex[:8]}",
        "ami-launch-index": server.launch_index,
        "ami-manifest-path": "FIXME",  # Nova's word
        "hostname": server.hostname,
        "local-hostname": server.hostname,
        "public-hostname": server.hostname,
        "instance-type": server.flavor["original_name"],
        "instance-action": "none",
        "placement": {"availability-zone": server.zone},
        "reservation-id": server.reservation_id,
        "security-groups": sorted(groups),
        "block-device-mapping": _mapping(server, disks),
        "public-ipv4": next((ip for address in addresses for ip in address.floating_ips), ""),
    }
    if server.image_id:
        document["ami-id"] = f"ami-{server.image_id.hex[:8]}"
    for part, name in (("kernel", "aki"), ("ramdisk", "ari")):
        if part in server.image_facts:
            document[f"{part}-id"] = f"{name}-{str(server.image_facts[part]['image_id'])[:8]}"
    if 4 in first:
        document["local-ipv4"] = first[4]
    if 6 in first:
        document["ipv6"] = first[6]
    if server.public_key:
        document["public-keys"] = {"0": {"_name": f"0={server.key_name}", "openssh-key": server.public_key}}
    return document


def _mapping(server: "Server", disks: "Iterable[BlockDevice]") -> dict[str, str]:
    """Return EC2's names of disks: the root twice, as Nova does."""
    root = server.root_device_name or "/dev/vda"
    mapping = {"ami": root.removeprefix("/dev/"), "root": root}
    ephemeral = volumes = 0
    for disk in disks:
        if disk.kind == "swap" and disk.device:
            mapping["swap"] = f"/dev/{disk.device}"
        elif disk.kind == "ephemeral" and disk.device:
            mapping[f"ephemeral{ephemeral}"] = f"/dev/{disk.device}"
            ephemeral += 1
        elif disk.is_volume and disk.device:
            mapping[f"ebs{volumes}"] = f"/dev/{disk.device}"
            volumes += 1
    return mapping
