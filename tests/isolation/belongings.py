"""One of everything that a project can own, and what each parameter of a route means.

A new kind of object gets a line here, or ``test_every_parameter_is_known`` fails.
"""

import re
import uuid
from typing import Any

from django.test import Client

from apps.compute import states as compute_states
from apps.compute.models import Flavor, KeyPair, Server, ServerGroup
from apps.identity import models as identity
from apps.identity.services import credentials
from apps.images.models import Image, Namespace
from apps.images.models import Member as ImageMember
from apps.networking.models import Network, PortForwarding, QosPolicy, Subnet
from apps.scheduling.models import Aggregate
from apps.volumes.models import (
    Attachment,
    Backup,
    BackupPlan,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    QosSpec,
    Snapshot,
    Transfer,
    Volume,
    VolumeType,
)
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

SUBJECT: list[str] = []  # the token that calls about tokens are about
ENDED = {"addFixedIp", "addFloatingIp", "removeFixedIp", "removeFloatingIp"}  # actions that 2.44 dropped
NOBODY = uuid.UUID(int=0)
PROXIED = re.compile(
    r"/compute/v2\.1/(images|os-(networks|tenant-networks|security-group|floating-ip|hosts|volumes|snapshots))"
)


class Person:
    """A user with a token for a project."""

    def __init__(self, name: str, project: str, role: str) -> None:
        default = identity.Domain.objects.get(pk="default")
        self.project, _ = identity.Project.objects.get_or_create(name=project, domain=default, parent=default)
        self.user = identity.User(name=name, domain=default, default_project_id=self.project.pk)
        self.user.set_password(PASSWORD)
        self.user.save()
        wanted = identity.Role.objects.get(name=role)
        identity.RoleAssignment.objects.create(user=self.user, project=self.project, role=wanted)
        scope = {"project": {"id": self.project.pk}}
        self.token = Api().sign_in(password_body(name, scope=scope))["X-Subject-Token"]
        self.client = Client(raise_request_exception=True)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return request(self.client, method, path, body, {"X-Auth-Token": self.token, **headers})


def request(client: Client, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    """Send as clients do, at compute's newest microversion that has the call."""
    version = "2.35" if PROXIED.match(path) else "2.43" if isinstance(body, dict) and ENDED & body.keys() else "2.102"
    headers = {"OpenStack-API-Version": f"compute {version}, volume 3.71", **headers}
    if path == "/identity/v3/auth/tokens" and "X-Auth-Token" in headers:
        headers["X-Subject-Token"] = SUBJECT[0] if SUBJECT else headers["X-Auth-Token"]
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    keywords = {} if body is None else {"data": body, "content_type": kind}
    return getattr(client, method)(path, headers=headers, **keywords)


def _made(person: Person, path: str, body: dict[str, Any], code: int = 201) -> Any:
    answer = person.call("post", path, body)
    assert answer.status_code == code, answer.content
    return answer.json()


def external(name: str, octet: int) -> str:
    """Return the id of an external network that is nobody's, with a subnet."""
    network = Network.objects.create(name=name, project_id="", external=True)
    pools = [{"start": f"198.18.{octet}.10", "end": f"198.18.{octet}.99"}]
    Subnet.objects.create(network=network, project_id="", cidr=f"198.18.{octet}.0/24", allocation_pools=pools)
    return str(network.id)


def _floating_ip(owner: Person, octet: int) -> str:
    body = {"floatingip": {"floating_network_id": external("public", octet)}}
    return str(_made(owner, "/network/v2.0/floatingips", body)["floatingip"]["id"])


def _forwarding(floating_ip_id: str, port_id: str) -> PortForwarding:
    """Return a forwarding that no router carries: its floating IP stays loose."""
    ends = {"internal_start": 22, "internal_end": 22, "external_start": 22, "external_end": 22}
    return PortForwarding.objects.create(
        floating_ip_id=floating_ip_id, port_id=port_id, protocol="tcp", internal_ip_address="10.0.0.9", **ends
    )


def _qos(owner: Person) -> dict[str, str]:
    policy = QosPolicy.objects.create(project_id=owner.project.pk, name="q")
    limit = policy.rules.create(kind="bandwidth_limit", max_kbps=1, direction="ingress")
    mark = policy.rules.create(kind="dscp_marking", dscp_mark=8)
    return {
        "policies": str(policy.id),
        **dict.fromkeys(("bandwidth_limit_rules", "alias_bandwidth_limit_rules"), str(limit.id)),
        **dict.fromkeys(("dscp_marking_rules", "alias_dscp_marking_rules"), str(mark.id)),
    }


def _network(owner: Person, octet: int) -> dict[str, str]:
    """Return ids by the collection's name in the path."""

    def make(collection: str, noun: str, **values: Any) -> str:
        return str(_made(owner, f"/network/v2.0/{collection}", {noun: values})[noun]["id"])

    network = make("networks", "network", name="n")
    group = make("security-groups", "security_group", name="g")
    rule = make("security-group-rules", "security_group_rule", security_group_id=group, direction="ingress")
    items = {
        "networks": network,
        "subnets": make("subnets", "subnet", network_id=network, ip_version=4, cidr=f"10.{octet}.0.0/24"),
        "ports": make("ports", "port", network_id=network, name="p"),
        "security-groups": group,
        "security-group-rules": rule,
        "routers": make("routers", "router", name="r"),
        "address-groups": make("address-groups", "address_group", name="a"),
        "subnetpools": make("subnetpools", "subnetpool", name="p", prefixes=[f"10.{octet}.0.0/16"]),
        "address-scopes": make("address-scopes", "address_scope", name="s", ip_version=4),
        "rbac-policies": make(
            "rbac-policies",
            "rbac_policy",
            object_type="network",
            object_id=network,
            action="access_as_shared",
            target_tenant="2" * 32,
        ),
        "floatingips": _floating_ip(owner, octet),
    }
    items |= _qos(owner)
    items["trunks"] = make("trunks", "trunk", port_id=make("ports", "port", network_id=network))
    items["port_forwardings"] = str(_forwarding(items["floatingips"], items["ports"]).id)
    items |= {"segments": network, "network-ip-availabilities": network}
    for collection, pk in items.items():
        assert owner.call("put", f"/network/v2.0/{collection}/{pk}/tags/t").status_code in (201, 404)
    return items


def _compute(owner: Person) -> dict[str, str]:
    flavor = Flavor.objects.create(name=f"f-{owner.user.name}", flavor_id=uuid.uuid4().hex, ram_mib=64, vcpus=1,
                                   disk_gib=0, is_public=False, extra_specs={"k": "v"})  # fmt: skip
    server = Server.objects.create(
        project_id=owner.project.pk,
        user_id=owner.user.pk,
        name="s",
        hostname="s",
        vm_state=compute_states.ACTIVE,
        flavor={"id": "x", "original_name": "x", "vcpus": 1, "ram": 64, "disk": 0, "ephemeral": 0, "swap": 0,
                "extra_specs": {}},
        metadata={"k": "v"},
        tags=["t"],
        reservation_id="r-1",
    )  # fmt: skip
    group = ServerGroup.objects.create(project_id=owner.project.pk, user_id=owner.user.pk, name="g", policy="affinity")
    KeyPair.objects.create(user_id=owner.user.pk, name=f"key-{owner.user.name}", public_key="x", fingerprint="y")
    return {
        "server_id": str(server.id),
        "server_group_id": str(group.id),
        "flavor_id": flavor.flavor_id,
        "keypair": f"key-{owner.user.name}",
    }


def _volumes(owner: Person) -> dict[str, str]:
    """Return ids by the parameter's name: a volume, its snapshot and its type, one that is attached, one on offer."""
    kind = VolumeType.objects.create(name=f"t-{owner.user.name}", is_public=False, extra_specs={"k": "v"})
    kind.access.create(project_id=owner.project.pk)

    def make(status: str) -> Volume:
        return Volume.objects.create(
            project_id=owner.project.pk, user_id=owner.user.pk, size=1, status=status, volume_type=kind,
            metadata={"k": "v"},
        )  # fmt: skip

    volume = make("available")
    snapshot = Snapshot.objects.create(
        volume=volume, project_id=owner.project.pk, user_id=owner.user.pk, size=1, status="available",
        metadata={"k": "v"},
    )  # fmt: skip
    backup = Backup.objects.create(
        volume_id=volume.id, project_id=owner.project.pk, user_id=owner.user.pk, size=1, status="available",
    )  # fmt: skip
    plan = BackupPlan.objects.create(
        project_id=owner.project.pk, user_id=owner.user.pk, volume=volume, interval_hours=24, keep=7
    )
    together = GroupType.objects.create(name=f"g-{owner.user.name}", group_specs={"k": "v"})
    group = Group.objects.create(project_id=owner.project.pk, user_id=owner.user.pk, group_type=together)
    whole = GroupSnapshot.objects.create(group=group, project_id=owner.project.pk, user_id=owner.user.pk)
    message = Message.objects.create(
        project_id=owner.project.pk, resource_type="VOLUME", resource_id=volume.id, event="x", text="x",
        expires_at="2100-01-01T00:00:00Z",
    )  # fmt: skip
    transfer = Transfer.objects.create(volume=make("awaiting-transfer"), project_id=owner.project.pk, key_digest="x")
    return {
        "volume_id": str(volume.id),
        "snapshot_id": str(snapshot.id),
        "backup_id": str(backup.id),
        "plan_id": str(plan.id),
        "type_id": str(kind.id),
        "attachment_id": str(Attachment.objects.create(volume=make("reserved"), server_id=NOBODY).id),
        "transfer_id": str(transfer.id),
        "group_id": str(group.id),
        "group_type_id": str(together.id),
        "group_snapshot_id": str(whole.id),
        "message_id": str(message.id),
        "qos_id": str(QosSpec.objects.create(name=f"q-{owner.user.name}", consumer="both").id),
        "encryption_id": "cipher",
        "host": "host-1@local",
        "verb": "disable",
    }


def _endpoint_group(owner: Person, domain: identity.Domain) -> str:
    """Return an endpoint group without filters, associated with the owner's project; set an option of its domain."""
    group = identity.EndpointGroup.objects.create(name=domain.name, filters={"region_id": "none"})
    group.projects.add(owner.project)
    identity.DomainOption.objects.create(domain=domain, group="identity", option="list_limit", value=5)
    return group.pk


def _grants(owner: Person, domain: identity.Domain, group: identity.Group, role: identity.Role) -> None:
    """Grant the role to both kinds of actors on every kind of target, so that there is a grant to revoke."""
    for actor in ({"user": owner.user}, {"group": group}):
        for target in ({"project": owner.project}, {"domain": domain}, {"system": True}):
            for inherited in (False,) if "system" in target else (False, True):
                found = {**actor, **target, "role": role, "inherited": inherited}
                identity.RoleAssignment.objects.get_or_create(**found)


def _policy(project: identity.Project, service: identity.Service, endpoint: identity.Endpoint) -> str:
    """Return a policy that is associated with the whole catalog, and give the project an endpoint."""
    policy = identity.Policy.objects.create(type="t", blob="b")
    region = identity.Region.objects.get(pk="RegionOne")
    for target in ({"endpoint": endpoint}, {"service": service}, {"service": service, "region": region}):
        identity.PolicyAssociation.objects.create(policy=policy, **target)
    identity.ProjectEndpoint.objects.create(project=project, endpoint=endpoint)
    return policy.pk


def _identity(owner: Person) -> dict[str, str]:
    role = identity.Role.objects.get(name="member")
    domain = identity.Domain.objects.create(name=f"d-{owner.user.name}")
    group = identity.Group.objects.create(name="g", domain=domain)
    identity.GroupMembership.objects.create(group=group, user=owner.user)
    _grants(owner, domain, group, role)
    credential = identity.ApplicationCredential.objects.create(
        user=owner.user, project=owner.project, name="a", secret="!", unrestricted=True
    )
    credential.roles.set([role])
    rule = identity.AccessRule.objects.create(user=owner.user, service="compute", method="GET", path="/x")
    trust = identity.Trust.objects.create(
        trustor=owner.user, trustee=owner.user, project=owner.project, impersonation=True
    )
    trust.roles.set([role])
    service, endpoint = identity.Service.objects.all()[0], identity.Endpoint.objects.all()[0]
    registered = identity.RegisteredLimit.objects.create(service=service, resource_name=domain.pk, default_limit=1)
    limit = identity.Limit.objects.create(registered_limit=registered, project=owner.project, resource_limit=2)
    made = _made(owner, f"/identity/v3/users/{owner.user.pk}/credentials/OS-EC2", {"tenant_id": owner.project.pk})
    access = made["credential"]["access"]
    identity.Project.objects.filter(pk=owner.project.pk).update(tags=["t"])
    return {
        "domain_id": domain.pk,
        "project_id": owner.project.pk,
        "tenant_id": owner.project.pk,
        "user_id": owner.user.pk,
        "group_id": group.pk,
        "role_id": role.pk,
        "implied_role_id": identity.Role.objects.get(name="reader").pk,
        "region_id": "RegionOne",
        "service_id": service.pk,
        "endpoint_id": endpoint.pk,
        "credential_id": credential.pk,
        "keystone_credential": credentials.selectors.hash_of_access(access),
        "access": access,
        "rule_id": rule.pk,
        "trust_id": trust.pk,
        "policy_id": _policy(owner.project, service, endpoint),
        "endpoint_group_id": _endpoint_group(owner, domain),
        "group": "identity",
        "option": "list_limit",
        "limit": limit.pk,
        "registered_limit": registered.pk,
        "token_id": owner.token,
    }


def _shared_with(owner: Person) -> str:
    """Return another project's image that is shared with the owner's project."""
    image = Image.objects.create(project_id="elsewhere", name="shared", visibility="shared")
    ImageMember.objects.create(image=image, member_id=owner.project.pk)
    return str(image.id)


def _namespace(owner: Person) -> str:
    """Return the name of a private set of metadata definitions, with one of each kind."""
    row = Namespace.objects.create(namespace=f"of-{owner.user.name}", project_id=owner.project.pk)
    for kind in ("object", "property", "tag"):
        row.definitions.create(kind=kind, name="default", document={})
    row.associations.create(name="default")
    return row.namespace


class Belongings:
    """The ids of one of everything of one person's project."""

    def __init__(self, owner: Person, octet: int) -> None:
        image = _made(
            owner, "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare", "k": "v"}
        )
        self.items = _network(owner, octet)
        SUBJECT[:] = [owner.token]
        self.volumes = _volumes(owner)
        self.values = {
            **_compute(owner),
            **_identity(owner),
            "image_id": image["id"],
            "shared_image": _shared_with(owner),
            "member_id": owner.project.pk,
            "namespace": _namespace(owner),
            "sha512": "0" * 128,
            "tag": "t",
            "request_id": f"req-{NOBODY}",
            **dict.fromkeys(
                ("migration_id", "port_id", "volume_id", "snapshot_id", "share_id", "console_token"), str(NOBODY)
            ),
            "floating_ip_id": self.items["floatingips"],
            "floatingip_id": self.items["floatingips"],
            "before": "2026-01-01 00:00:00",
            "network": "n",
            "alias": "none",
            "aggregate_id": str(Aggregate.objects.create(name=f"a-{owner.user.name}").id),
        }

    def of(self, route: str) -> dict[str, str]:
        """Return the value of each parameter of this route; the meaning of a name depends on the route."""
        values = dict(self.values)
        parts = route.split("/")
        collection = next((part for part in reversed(parts) if part in self.items), "networks")
        values |= {"network_id": self.items["networks"], "security_group_id": self.items["security-groups"]}
        values |= {"collection": collection, "item_id": self.items.get(collection, str(NOBODY))}
        if route.startswith("network/v2.0/qos/"):
            values["policy_id"] = self.items["policies"]
        if route.startswith(("volume/", "compute/v2.1/os-volumes", "compute/v2.1/os-snapshots")):
            values |= self.volumes
        if route.startswith("compute/"):
            values |= {"group_id": values["security_group_id"], "rule_id": self.items["security-group-rules"]}
        values["key"] = "k" if "metadata" in route or "extra_specs" in route else "host-1"
        values["name"] = values["keypair"] if "keypairs" in route else "image" if "schemas" in route else "default"
        if "rule-types" in route:
            values["name"] = "dscp_marking"
        if "schemas/metadefs" in route:
            values["name"] = "namespace"
        if route.endswith("/members/<str:member_id>"):
            values["image_id"] = values["shared_image"]
        # Grants: the route says which kinds of actor and target its ids are.
        values["actor_id"] = values["group_id" if "/groups/<str:actor_id>" in route else "user_id"]
        values["target_id"] = values["domain_id" if "/domains/<str:target_id>" in route else "project_id"]
        values["limit_id"] = values["registered_limit" if "registered_limits" in route else "limit"]
        if "/v3/credentials/" in route:
            values["credential_id"] = values["keystone_credential"]
        return values
