"""Any number of rows of every model that has a page, related as in a running cloud."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.utils import timezone

from apps.common.models import AuditEvent
from apps.compute.models import BlockDevice, Flavor, FlavorAccess, KeyPair, Migration, Server, ServerGroup
from apps.identity import models as identity
from apps.images.models import Image, Member
from apps.networking.models import (
    AddressGroup,
    AddressScope,
    FixedIP,
    FloatingIP,
    Network,
    Port,
    PortSecurityGroup,
    QosPolicy,
    QosRule,
    RbacPolicy,
    Router,
    RouterInterface,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
    SubPort,
    Trunk,
)
from apps.quotas.models import Limit, Reservation, Usage
from apps.scheduling.models import Aggregate, Allocation, Host, Inventory
from apps.volumes.models import (
    Attachment,
    Backup,
    BackupPlan,
    DefaultType,
    EncryptionType,
    Export,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    Pool,
    QosSpec,
    Snapshot,
    Volume,
    VolumeKey,
    VolumeType,
    VolumeTypeAccess,
)
from apps.workflow.models import Finding, Run, Step, Tally

FLAVOR = {"id": "1", "original_name": "f", "vcpus": 1, "ram": 1, "disk": 1, "ephemeral": 0, "swap": 0}
FIRST = "n1"  # the name of what the others are tied to


def models() -> list[Any]:
    """Return every model that has a page."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def first_of(model: Any) -> Any:
    """Return the row that all others refer to, or any row."""
    names = [field.name for field in model._meta.fields]
    rows = model.objects.order_by("pk")
    name = "d1" if model is identity.Domain else FIRST
    found = rows.filter(name=name).first() if "name" in names else None
    return found or rows.first()


def fill(count: int, *, start: int = 1) -> None:
    """Write ``count`` rows of every model. Each also refers to the first row of the models above it."""
    for number in range(start, start + count):
        one(number)
    missing = [model._meta.label for model in models() if not model.objects.exists()]
    assert not missing, missing


def one(number: int) -> None:
    text, now = f"n{number}", timezone.now()
    project = who(number, text)
    group = ServerGroup.objects.create(project_id=project.pk, user_id="u", name=text, policy="affinity")
    first_group = ServerGroup.objects.order_by("created_at").first()
    host = Host.objects.create(name=text, number=number, hypervisor_type="QEMU", heartbeat_at=now)
    Inventory.objects.create(host=host, vcpus=4, ram_mib=4096, disk_gib=40)
    server = Server.objects.create(
        project_id=project.pk, user_id="u", name=text, hostname=text, flavor=FLAVOR, reservation_id="r",
        user_data="c2VjcmV0", host=FIRST, group=first_group, image_id=uuid.uuid4(), vm_state="error",
        fault_message="No valid host was found.", fault_code=500,
    )  # fmt: skip
    BlockDevice.objects.create(server=server, kind="root")
    BlockDevice.objects.create(server=Server.objects.get(name=FIRST), kind="extra", position=number)
    flavor = Flavor.objects.create(flavor_id=text, name=text, vcpus=1, ram_mib=1, is_public=number > 1)
    FlavorAccess.objects.create(flavor=Flavor.objects.get(name=FIRST), project_id=project.pk)
    assert group and flavor
    KeyPair.objects.create(user_id="u", name=text, public_key="x", fingerprint="f")
    Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    Migration.objects.create(
        server=server, type="resize", status="confirmed", source=FIRST, destination=text, user_id="u",
        project_id=project.pk,
    )  # fmt: skip
    aggregate = Aggregate.objects.create(name=text, metadata={"ssd": "true"})
    aggregate.hosts.add(Host.objects.get(name=FIRST))
    Aggregate.objects.get(name=FIRST).hosts.add(host)
    Limit.objects.create(owner_id=project.pk, resource="cores", value=1)
    Usage.objects.create(owner_id=project.pk, resource="cores")
    Reservation.objects.create(
        owner_id=text, resource="cores", delta=1, consumer_id=uuid.uuid4(), created_at=now, expires_at=now
    )
    work(number, server)
    nets(number, project.pk, server)
    disks(number, project.pk, server)
    AuditEvent.objects.create(action="server.create", target_type="server", target_id=str(server.id))


def work(number: int, server: Server) -> None:
    now = timezone.now()
    first = Server.objects.get(name=FIRST)
    for subject in (server.id, first.id):
        run = Run.objects.create(
            pipeline="server.build", action="create", subject_type="server", subject_id=subject, request_id="r",
            state="failed", queue="host.n1", host=FIRST, deadline_at=now + timedelta(hours=1), finished_at=now,
            error_cause="NoValidHost", error_message="None was left.",
            explanation={"filters": [{"filter": "RamFilter", "in": 2, "out": 0}], "misses": ["n1 lacks 1 MiB"],
                         "weights": {"n1": 1.0}, "considered": 2},
        )  # fmt: skip
        Step.objects.create(run=run, name="spawn", queue="q", enqueued_at=now, started_at=now, finished_at=now)
    oldest = Run.objects.order_by("created_at").first()
    Step.objects.create(run=oldest, name="x", queue="q", enqueued_at=now, started_at=now)
    Run.objects.create(
        pipeline="server.start", action="start", subject_type="server", subject_id=uuid.uuid4(), request_id="r",
        queue=f"host.n{number}", deadline_at=now + timedelta(hours=1),
    )  # fmt: skip
    Finding.objects.create(kind="allocation", subject=str(server.id), host=f"n{number}", found="differs")
    Tally.objects.create(name=f"n{number}", value=1)


def nets(number: int, project: str, server: Server) -> None:
    text = f"n{number}"
    image = Image.objects.create(name=text, project_id=project)
    Member.objects.create(image=Image.objects.get(name=FIRST), member_id=text)
    network = Network.objects.create(project_id=project, name=text)
    first = Network.objects.get(name=FIRST)
    subnet = Subnet.objects.create(
        project_id=project, name=text, network=first, cidr=f"10.{number}.0.0/24", ip_version=4
    )
    scope = AddressScope.objects.create(project_id=project, name=text, ip_version=4)
    pool = SubnetPool.objects.create(
        project_id=project, name=text, ip_version=4, prefixes=[f"10.{number}.0.0/16"], min_prefixlen=8,
        max_prefixlen=32, default_prefixlen=24, address_scope=scope,
    )  # fmt: skip
    RbacPolicy.objects.create(
        project_id=project, object_type="network", object_id=network.id, action="access_as_shared", target_project="*"
    )
    Subnet.objects.filter(id=subnet.id).update(subnetpool=pool)
    group = SecurityGroup.objects.create(project_id=project, name=text)
    first_group = SecurityGroup.objects.get(name=FIRST)
    addresses = AddressGroup.objects.create(project_id=project, name=text, addresses=["192.0.2.0/24"])
    for remote in ({"remote_group": group}, {"remote_address_group": addresses}):
        SecurityGroupRule.objects.create(
            project_id=project, security_group=first_group, direction="ingress", ethertype="IPv4", **remote
        )
    for index, device in ((0, server.id), (number, Server.objects.get(name=FIRST).id)):
        port = Port.objects.create(
            project_id=project, name=text, network=network, mac_address=f"fa:16:3e:00:{index:02x}:{number:02x}",
            device_id=str(device), request_index=index,
        )  # fmt: skip
        FixedIP.objects.create(port=port, subnet=subnet, ip_address=f"10.{number}.0.{index + 1}")
        PortSecurityGroup.objects.create(port=port, security_group=first_group)
    port = Port.objects.get(name=FIRST, request_index=0)
    FixedIP.objects.create(port=port, subnet=subnet, ip_address=f"10.{number}.1.9")
    routes(number, project, network, subnet)
    assert image


def disks(number: int, project: str, server: Server) -> None:
    """Write a volume with its snapshot and type, on a server; each also refers to the first ones."""
    text = f"n{number}"
    kind = VolumeType.objects.create(name=text, is_public=False, extra_specs={"k": "v"})
    VolumeTypeAccess.objects.create(volume_type=VolumeType.objects.get(name=FIRST), project_id=project)
    together = GroupType.objects.create(name=text)
    for grouped in (together, GroupType.objects.get(name=FIRST)):
        group = Group.objects.create(project_id=project, user_id="u", name=text, group_type=grouped)
        GroupSnapshot.objects.create(group=group, project_id=project, user_id="u", name=text)
    qos = QosSpec.objects.create(name=text, consumer="both", specs={"k": "v"})
    VolumeType.objects.filter(id=kind.id).update(qos_spec=qos)
    EncryptionType.objects.create(volume_type=kind, provider="luks")
    DefaultType.objects.create(project_id=f"{project}-{number}", volume_type=VolumeType.objects.get(name=FIRST))
    volume = Volume.objects.create(
        project_id=project, user_id="u", name=text, size=1, status="error", volume_type=kind, host=FIRST,
        error="No valid host was found.",
    )  # fmt: skip
    Pool.objects.create(host=FIRST, backend=text, total_gib=10, free_gib=5)
    first = Volume.objects.get(name=FIRST)
    for row in (volume, first):
        attachment = Attachment.objects.create(volume=row, server_id=server.id, host=FIRST, status="attached")
        Export.objects.create(attachment=attachment, host=text, storage_host=FIRST)
        Snapshot.objects.create(volume=row, project_id=project, user_id="u", name=text, size=1)
        Message.objects.create(
            project_id=project, resource_type="VOLUME", resource_id=row.id, event="create volume", text="No.",
            expires_at=row.created_at,
        )  # fmt: skip
        BackupPlan.objects.create(
            volume=row, project_id=project, user_id="u", name=text, interval_hours=24, keep=7, error="No."
        )
        Backup.objects.create(volume_id=row.id, project_id=project, user_id="u", name=text, size=1, host=FIRST)
        VolumeKey.objects.get_or_create(
            volume=row, defaults={"sealed": "SEALED", "cipher": "aes-xts-plain64", "key_size": 512}
        )


def routes(number: int, project: str, network: Network, subnet: Subnet) -> None:
    """Write a router with a gateway, an interface of the first router, and a floating IP that leads through it."""
    made = []
    for index in range(3):
        mac = f"fa:16:3e:01:{index:02x}:{number:02x}"
        port = Port.objects.create(project_id=project, network=network, mac_address=mac)
        FixedIP.objects.create(port=port, subnet=subnet, ip_address=f"10.{number}.2.{index + 1}")
        made.append(port)
    Router.objects.create(project_id=project, name=f"n{number}", gateway_port=made[0])
    policy = QosPolicy.objects.create(project_id=project, name=f"n{number}")
    QosRule.objects.create(policy=QosPolicy.objects.get(name=FIRST), kind=f"kind-{number}", max_kbps=1000)
    Port.objects.filter(id=made[0].id).update(qos_policy=policy)
    trunk = Trunk.objects.create(project_id=project, name=f"n{number}", port=made[1])
    SubPort.objects.create(trunk=trunk, port=made[2], segmentation_id=number)
    first = Router.objects.get(name=FIRST)
    RouterInterface.objects.create(router=first, port=made[1])
    FloatingIP.objects.create(
        project_id=project, floating_network=network, floating_port=made[2], floating_ip_address=f"10.{number}.2.3",
        fixed_port=Port.objects.get(name=FIRST, request_index=0), fixed_ip_address=f"10.{number}.1.9", router=first,
    )  # fmt: skip


def who(number: int, text: str) -> Any:
    """Write identity's rows and return the project."""
    domain = identity.Domain.objects.create(name=f"d{number}")
    project = identity.Project.objects.create(name=text, domain_id="default", parent_id="default")
    user = identity.User.objects.create(name=text, domain_id="default", password="argon2$secret")
    group = identity.Group.objects.create(name=text, domain_id="default")
    role = identity.Role.objects.create(name=text)
    first = {model: model.objects.get(name=FIRST) for model in (identity.User, identity.Group, identity.Project)}
    identity.GroupMembership.objects.create(user=user, group=first[identity.Group])
    if number > 1:
        identity.GroupMembership.objects.create(user=first[identity.User], group=group)
        identity.ImpliedRole.objects.create(prior=identity.Role.objects.get(name=FIRST), implied=role)
    grant = identity.RoleAssignment.objects.create
    grant(user=first[identity.User], role=role, project=project)
    grant(group=first[identity.Group], role=role, domain=identity.Domain.objects.get(name="d1"))
    if number > 1:
        grant(user=user, role=role, project=first[identity.Project])
    region = identity.Region.objects.create(id=text)
    service = identity.Service.objects.create(type=f"volume{number}", name=text)
    identity.Endpoint.objects.create(
        service=identity.Service.objects.get(name=FIRST), region=region, interface="public", url="http://x"
    )
    delegations(number, user, project, service)
    assert domain
    return project


def delegations(number: int, user: Any, project: Any, service: Any) -> None:
    now = timezone.now()
    identity.Revocation.objects.create(audit_id=f"a{number}", user_id=user.pk, expires_at=now)
    identity.ApplicationCredential.objects.create(name=f"n{number}", user=user, project=project, secret="argon2$secret")
    trustee = identity.User.objects.get(name=FIRST)
    identity.Trust.objects.create(trustor=user, trustee=trustee, project=project, impersonation=False)
    identity.Credential.objects.create(id=f"c{number}", type="ec2", user=user, project=project, blob="blob$secret")
    limit = identity.RegisteredLimit.objects.create(service=service, resource_name="cores", default_limit=1)
    identity.Limit.objects.create(registered_limit=limit, project=project, resource_limit=1)
