"""The contents of a config drive: the metadata service's documents as files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from django.conf import settings

from apps.compute import admin_passwords
from apps.metadata import documents, tree, vendor_services
from apps.networking.selectors import bindings
from apps.networking.values import PortFacts

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server

log = structlog.get_logger("celerity.metadata")
VERSIONS = ("2018-08-27", tree.LATEST)
EC2_VERSIONS = ("2009-04-04", tree.LATEST)


def bundle(
    server: "Server",
    ports: Sequence[PortFacts],
    disks: "Sequence[BlockDevice]" = (),
    devices: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a server's documents, with the password that the API answered when the server was created."""
    addresses = bindings.for_servers(server_ids=[server.id]).get(server.id, ()) if server.security_groups else ()
    bundle = documents.bundle(server, ports, addresses=addresses, disks=disks)
    bundle["meta_data"] = meta_data(server, devices)
    bundle["vendor_data2"] = _vendor_data2(bundle["vendor_request"])
    if ports and not bundle["ec2"]["security-groups"]:
        bundle["ec2"]["security-groups"] = ["default"]
    return bundle


def _vendor_data2(request: dict[str, Any]) -> dict[str, Any]:
    """Return what the vendor's service says of the server; a boot does not fail for its silence."""
    if not settings.VENDOR_DATA_URL:
        return {}
    try:
        return vendor_services.ask(settings.VENDOR_DATA_URL, request, settings.VENDOR_DATA_SECONDS)
    except (OSError, ValueError) as error:
        log.warning("vendor data service does not answer", error=f"{type(error).__name__}: {error}"[:300])
        return {}


def meta_data(server: "Server", devices: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return meta_data.json. Only here is the administrator's password: it is erased once a drive has it."""
    document = documents.meta_data(server, devices)
    if password := admin_passwords.unseal(server.admin_password):
        document["admin_pass"] = password
    return document


def files_of(bundle: Mapping[str, Any]) -> dict[str, bytes]:
    """Return path -> content."""
    user_data = tree.user_data(bundle)
    files: dict[str, bytes] = {}
    for version in VERSIONS:
        files[f"openstack/{version}/meta_data.json"] = orjson.dumps(tree.meta_data(bundle, version))
        files[f"openstack/{version}/network_data.json"] = orjson.dumps(bundle["network_data"])
        files[f"openstack/{version}/vendor_data.json"] = orjson.dumps(bundle["vendor_data"])
        files[f"openstack/{version}/vendor_data2.json"] = orjson.dumps(bundle["vendor_data2"])
        if user_data:
            files[f"openstack/{version}/user_data"] = user_data
    for version in EC2_VERSIONS:
        ec2 = tree.ec2_meta_data(bundle, version)
        if "public-keys" in ec2:
            ec2["public-keys"] = {"0": {"openssh-key": ec2["public-keys"]["0"]["openssh-key"]}}
        files[f"ec2/{version}/meta-data.json"] = orjson.dumps(ec2)
        if user_data:
            files[f"ec2/{version}/user-data"] = user_data
    for name in bundle["content"]:
        files[f"openstack/content/{name}"] = tree.find(bundle, f"openstack/content/{name}").content
    return files
