"""Writing servers: creation, updates, deletion; each state change is a compare-and-swap."""

import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.sql.inserts import Inserts
from apps.compute import admin_passwords, locks, rpcapi, states
from apps.compute.exceptions import ServerLocked, ServerNotFound
from apps.compute.models import BlockDevice, Flavor, Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_groups
from apps.compute.services.block_devices import RequestedDisk
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits, usages
from apps.quotas.services import reservations
from apps.scheduling.selectors import hosts
from apps.workflow import catalogue
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

_SERVERS = Inserts("compute_server_insert", Server)
_BLOCK_DEVICES = Inserts("compute_block_device_insert", BlockDevice)
_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequest:
    """Everything a new server is made of, resolved and checked. Sizes: RAM and swap MiB, disks GiB."""

    name: str
    flavor: Flavor
    image_id: uuid.UUID | None
    image_properties: dict[str, str] = field(default_factory=dict)
    image_facts: dict[str, Any] = field(default_factory=dict)
    hostname: str = ""
    description: str | None = None
    key_name: str | None = None
    public_key: str = ""
    user_data: str = ""
    admin_password: str = field(default="", repr=False)
    config_drive: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    personality: list[dict[str, str]] = field(default_factory=list)
    requested_networks: list[dict[str, Any]] | None = None
    disks: list[RequestedDisk] = field(default_factory=list)
    security_groups: list[str] = field(default_factory=list)
    scheduler_hints: dict[str, Any] = field(default_factory=dict)
    group_id: uuid.UUID | None = None
    zone: str = ""
    host: str = ""
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    disk_config: str = "MANUAL"


def create(*, context: RequestContext, request: ServerRequest, min_count: int = 1, max_count: int = 1) -> list[Server]:
    """Write servers, block devices, reservations and runs in one transaction; the builds are sent after commit.

    As many as ``max_count`` are made, fewer when the quota has room for at least ``min_count``.
    Raises QuotaExceeded (403).
    """
    usage = selectors.usage_of(snapshot(request.flavor))
    count = max_count if max_count == 1 else room(context=context, usage=usage, least=min_count, most=max_count)
    reservation = "r-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    sealed = _sealed(request)
    disks = request.disks or block_devices.resolve([], request.flavor, request.image_properties)
    with transaction.atomic():
        if request.group_id:
            server_groups.join(context=context, group_id=request.group_id, adding=count)
        servers = [draft(context, request, reservation, index, max_count, sealed) for index in range(count)]
        _SERVERS.add(servers)
        _BLOCK_DEVICES.add([device for server in servers for device in block_devices.make(server, disks)])
        rpcapi.build(context=context, servers=servers)
        audit.record_many("server.create", "server", [server.id for server in servers])
        # Last, because the usage row stays locked until the commit.
        reservations.reserve(owner_id=str(context.project_id), each=usage, consumers=[s.id for s in servers])
    return servers


def room(*, context: RequestContext, usage: dict[str, int], least: int, most: int) -> int:
    """Return how many of ``most`` servers the quota has room for now. Raises QuotaExceeded below ``least``.

    A plain look, before anything large is built for a request that cannot be served; the reservation decides.
    """
    owner = str(context.project_id)
    allowed, used = limits.of_owner(owner_id=owner), usages.of_owner(owner_id=owner)
    for resource, amount in sorted(usage.items()):
        taken = sum(used.get(resource, (0, 0)))
        room = (allowed[resource] - taken) // amount if allowed[resource] >= 0 and amount else most
        if room < least:
            raise QuotaExceeded(resource=resource, requested=least * amount, used=taken, allowed=allowed[resource])
        most = min(most, room)
    return most


def snapshot(flavor: Flavor) -> dict[str, Any]:
    """Return the copy of a flavor that a server keeps, in the API's own words."""
    return {
        "id": flavor.flavor_id,
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "ephemeral": flavor.ephemeral_gib,
        "swap": flavor.swap_mib,
        "extra_specs": flavor.extra_specs,
    }


def _sealed(request: ServerRequest) -> str:
    """Return the administrator's password, encrypted; "" if no config drive passes it to the guest."""
    return admin_passwords.seal(request.admin_password) if request.config_drive else ""


def draft(
    context: RequestContext,
    request: ServerRequest,
    reservation: str = "",
    index: int = 0,
    count: int = 1,
    sealed: str = "",
) -> Server:
    """Return the row of the ``index``-th of ``count`` servers, not written. ``sealed`` is its encrypted password."""
    now = timezone.now()
    name = request.name if count == 1 else f"{request.name}-{index + 1}"
    hostname = request.hostname or default_hostname(name)
    return Server(
        project_id=str(context.project_id),
        user_id=str(context.user_id),
        name=name,
        hostname=hostname if count == 1 or not request.hostname else f"{hostname}-{index + 1}",
        description=request.description,
        vm_state=states.BUILDING,
        task_state=states.SCHEDULING,
        image_id=request.image_id,
        image_properties=request.image_properties,
        image_facts=request.image_facts,
        flavor=snapshot(request.flavor),
        key_name=request.key_name,
        public_key=request.public_key,
        user_data=request.user_data,
        admin_password=sealed,
        config_drive=request.config_drive,
        metadata=request.metadata,
        tags=request.tags,
        personality=request.personality,
        requested_networks=request.requested_networks,
        security_groups=request.security_groups,
        scheduler_hints=request.scheduler_hints,
        group_id=request.group_id,
        requested_zone=request.zone,
        requested_host=request.host,
        access_ip_v4=request.access_ip_v4,
        access_ip_v6=request.access_ip_v6,
        disk_config=request.disk_config,
        reservation_id=reservation,
        root_device_name=f"/dev/{_root_name(request)}",
        launch_index=index,
        created_at=now,
        updated_at=now,
    )


def _root_name(request: ServerRequest) -> str:
    disks = request.disks or block_devices.resolve([], request.flavor, request.image_properties)
    return block_devices.names([BlockDevice(bus=disks[0].bus)], request.image_properties)[0]


def default_hostname(name: str) -> str:
    """Return a host name made of a server's name (nova/utils.py, sanitize_hostname): a label of at most 63."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" if c in " _." else "" for c in name)
    return kept.lower().strip("-")[:63].rstrip("-") or "server"


def update(*, server: Server, values: dict[str, Any]) -> Server:
    """Change the values that users may change: name, description, access addresses, host name, disk config."""
    Server.objects.filter(id=server.id, deleted_at=None).update(**values, updated_at=timezone.now())
    server.refresh_from_db()
    return server


def set_metadata(*, server: Server, metadata: dict[str, str]) -> None:
    Server.objects.filter(id=server.id).update(metadata=metadata, updated_at=timezone.now())


def set_tags(*, server: Server, tags: list[str]) -> None:
    Server.objects.filter(id=server.id).update(tags=tags, updated_at=timezone.now())


@transaction.atomic
def lock(*, context: RequestContext, server: Server, reason: str | None = None) -> None:
    Server.objects.filter(id=server.id).update(locked=True, locked_reason=reason)
    rpcapi.record(context=context, action="lock", server=server)


@transaction.atomic
def unlock(*, context: RequestContext, server: Server) -> None:
    Server.objects.filter(id=server.id).update(locked=False, locked_reason=None)
    rpcapi.record(context=context, action="unlock", server=server)


@transaction.atomic
def delete(*, context: RequestContext, server: Server, action: str = "delete") -> None:
    """Begin to delete: legal in every state. An active run loses its token; there is one delete at a time.

    A delete of a server that is being deleted already changes nothing. Raises ServerNotFound.
    """
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    server = row
    check_unlocked(context=context, server=server)
    active = run_selectors.active_pipeline(subject_id=server.id)
    if active is not None and catalogue.find(active).releases:
        return
    cancelled = runs.cancel_active(subject_id=server.id, reason="The server was deleted.")
    Server.objects.filter(id=server.id).update(task_state=states.DELETING, updated_at=timezone.now())
    # Asked now, with the row locked: before, the build may not have chosen its host yet.
    reachable = bool(server.host) and server.host in hosts.names_up(names=[server.host])
    claimant = cancelled.id if cancelled is not None and cancelled.hosts else None
    rpcapi.delete(context=context, server=server, reachable=reachable, cancelled=claimant, action=action)
    if action == "delete":
        audit.record("server.delete", "server", server.id)


def check_unlocked(*, context: RequestContext, server: Server) -> None:
    """Raise ServerLocked (409) for anyone but administrators."""
    if server.locked and not context.is_admin:
        raise ServerLocked(server=server.id)
