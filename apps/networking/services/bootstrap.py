"""The first networks, from fixtures/networks.json. Idempotent: existing rows are not changed."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.identity.selectors import projects
from apps.networking import locks, ranges, rpcapi
from apps.networking.models import Network, Subnet
from apps.networking.services import metadata_ports, rbac_policies, subnets, ways_out
from apps.networking.services.networks import default_mtu
from apps.networking.services.shared_objects import SHARED


def load(*, project_id: str | None = None, path: Path | None = None) -> list[uuid.UUID]:
    """Make the networks that the fixture lists, owned by ``project_id`` (None: the project "admin"). Returns ids."""
    if project_id is None:
        admin = projects.by_name(name="admin", domain_id="default")
        project_id = admin.id if admin else ""
    source = path or Path(settings.BASE_DIR) / "fixtures" / "networks.json"
    documents: list[dict[str, Any]] = json.loads(source.read_text())
    made = [ensure_shared_network(project_id=project_id, **document) for document in documents]
    external = ways_out.ensure_public(project_id=project_id)
    for network in Network.objects.filter(id__in=made):
        ways_out.ensure_router(network=network, external=external)
    metadata_ports.ensure_all()
    return made


def add_ways_out() -> int:
    """Give every network of the cloud's own a router, as hosts routed them. Returns how many got one."""
    admin = projects.by_name(name="admin", domain_id="default")
    external = ways_out.ensure_public(project_id=admin.id if admin else "")
    made = 0
    for network in Network.objects.filter(external=False).order_by("created_at", "id"):
        made += ways_out.ensure_router(network=network, external=external) is not None
    return made


def ensure_shared_network(
    *,
    project_id: str,
    name: str = "shared",
    cidr: str = "10.64.0.0/16",
    gateway_ip: str | None = None,
    dns_nameservers: Sequence[str] | None = None,
    description: str = "",
) -> uuid.UUID:
    """Return the shared network called ``name``; if missing, it is created with one subnet.

    ``gateway_ip`` None is the first address; ``dns_nameservers`` None means the settings' ones.
    """
    with transaction.atomic():
        locks.shared_network(name)
        existing = Network.objects.filter(name=name, shared=True).first()
        network = existing or Network.objects.create(
            project_id=project_id, name=name, description=description, shared=True, mtu=default_mtu()
        )
        if existing is None:
            rbac_policies.open_to_all(network, SHARED)
        if not network.subnets.exists():
            _add_subnet(network, cidr, gateway_ip, dns_nameservers)
            rpcapi.changed(networks=[network.id])
    return network.id


def _add_subnet(network: Network, text: str, gateway_text: str | None, servers: Sequence[str] | None) -> None:
    cidr = ranges.subnet_range(text, version=4, dhcp=True)
    gateway = ranges.address(gateway_text, field="gateway_ip") if gateway_text else ranges.default_gateway(cidr)
    ranges.check_gateway(gateway, cidr)
    named = servers if servers is not None else settings.DNS_NAMESERVERS
    Subnet.objects.create(
        network=network,
        project_id=network.project_id,
        name=network.name,
        cidr=str(cidr),
        gateway_ip=str(gateway),
        allocation_pools=ranges.pool_documents(ranges.default_pools(cidr, gateway)),
        dns_nameservers=subnets.nameservers(list(named)),
    )
