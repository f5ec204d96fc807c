"""Every model has a limit: how many of its rows a member can make.

A new model fails here until it has a line. The line names the quota or the setting that bounds its rows, the row that
it is a part of, or who alone makes such rows.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from apps.quotas.selectors import limits

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Quota:
    """Counted for each project or user against a limit that operators set: a resource of QUOTA_DEFAULTS or the like."""

    resource: str

    def fault(self, model: str) -> str | None:
        known = limits.known()
        if self.resource not in known:
            return f"{model}: there is no quota {self.resource}"
        return None if known[self.resource] >= 0 else f"{model}: {self.resource} has no limit by default"


@dataclass(frozen=True)
class Setting:
    """Bounded by a setting (of cloud/settings.py) that services read."""

    name: str

    def fault(self, model: str) -> str | None:
        value = getattr(settings, self.name, None)
        if not isinstance(value, int) or value < 0:
            return f"{model}: the setting {self.name} bounds nothing"
        return None if _is_read(f"settings.{self.name}") else f"{model}: nothing reads {self.name}"


@dataclass(frozen=True)
class Aged:
    """Rows that record events and are pruned by age; ``text`` is in the code that decides when."""

    text: str

    def fault(self, model: str) -> str | None:
        return None if _is_read(self.text) else f"{model}: nothing says {self.text}"


@dataclass(frozen=True)
class Part:
    """A part of another row that has a limit; ``bound`` is what limits the parts, somewhere in ``room``."""

    whole: str
    bound: str
    room: str

    def fault(self, model: str) -> str | None:
        if self.whole not in LIMITS:
            return f"{model}: {self.whole} is no model"
        path = ROOT / self.room
        texts = [module.read_text() for module in (path.rglob("*.py") if path.is_dir() else [path])]
        is_there = any(re.search(rf"\b{re.escape(self.bound)}\b", text) for text in texts)
        return None if is_there else f"{model}: there is no {self.bound} in {self.room}"


@dataclass(frozen=True)
class Others:
    """No member makes such rows. ``who`` does."""

    who: str

    def fault(self, model: str) -> str | None:
        return None if self.who else f"{model}: who makes the rows?"


def _is_read(text: str) -> bool:
    paths = [path for room in ("apps", "workers") for path in (ROOT / room).rglob("*.py")]
    return any(text in path.read_text() for path in paths)


OPERATORS = Others("operators, who administer the cloud or a domain")
SYSTEM = Others("the cloud itself: one row for each host, resource, project or running work")
APPLICATION, PORTS = "identity.ApplicationCredential", "apps/networking"
CREDENTIALS = "apps/identity/api/serializers/application_credentials.py"
LIMITS = {
    "admin.LogEntry": OPERATORS,
    "auth.Group": OPERATORS,
    "auth.Group_permissions": OPERATORS,
    "auth.Permission": SYSTEM,
    "contenttypes.ContentType": SYSTEM,
    "sessions.Session": Aged("expire_date < now()"),
    "common.AuditEvent": Aged("settings.AUDIT_DAYS"),
    "common.Cloud": SYSTEM,
    "identity.AccessRule": Setting("ACCESS_RULES_PER_USER"),
    "identity.AddressSlot": SYSTEM,
    "identity.ApplicationCredential": Setting("CREDENTIALS_PER_USER"),
    "identity.ApplicationCredential_access_rules": Part(
        "identity.ApplicationCredential", "max_length=100", CREDENTIALS
    ),
    "identity.ApplicationCredential_roles": Part(APPLICATION, "max_length=64", CREDENTIALS),
    "identity.Credential": Setting("CREDENTIALS_PER_USER"),
    "identity.Domain": OPERATORS,
    "identity.DomainOption": OPERATORS,
    "identity.Endpoint": OPERATORS,
    "identity.EndpointGroup": OPERATORS,
    "identity.EndpointGroup_projects": OPERATORS,
    "identity.FormerPassword": Setting("PASSWORD_HISTORY"),
    "identity.Group": OPERATORS,
    "identity.GroupMembership": OPERATORS,
    "identity.ImpliedRole": OPERATORS,
    "identity.KnownAddress": Part("identity.User", "KNOWN_ADDRESSES", "apps/identity/services/lockouts.py"),
    "identity.Limit": OPERATORS,
    "identity.Policy": OPERATORS,
    "identity.PolicyAssociation": OPERATORS,
    "identity.Project": OPERATORS,
    "identity.ProjectEndpoint": OPERATORS,
    "identity.Region": OPERATORS,
    "identity.RegisteredLimit": OPERATORS,
    "identity.Revocation": Aged("settings.ALLOW_EXPIRED_SECONDS"),
    "identity.Role": OPERATORS,
    "identity.RoleAssignment": OPERATORS,
    "identity.Service": OPERATORS,
    "identity.Trust": Setting("CREDENTIALS_PER_USER"),
    "identity.Trust_roles": Part("identity.Trust", "max_length=64", "apps/identity/api/serializers/trusts.py"),
    "identity.UsedSignature": Aged("settings.EC2_SIGNATURE_SECONDS"),
    "identity.User": OPERATORS,
    "workflow.Finding": Aged("settings.FINDING_DAYS"),
    "workflow.Run": Aged("settings.RUN_DAYS"),
    "workflow.Step": Part("workflow.Run", "steps", "workers/pipelines/server_build.py"),
    "workflow.Tally": SYSTEM,
    "quotas.Limit": OPERATORS,
    "quotas.Reservation": Aged("settings.RESERVATION_LIFETIME"),
    "quotas.Usage": SYSTEM,
    "images.Association": Part("images.Namespace", "MAX_DEFINITIONS", "apps/images/services/metadefs.py"),
    "images.Definition": Part("images.Namespace", "MAX_DEFINITIONS", "apps/images/services/metadefs.py"),
    "images.Image": Quota("image_count_total"),
    "images.Namespace": OPERATORS,
    "images.Member": Part("images.Image", "MAX_MEMBERS", "apps/images/services/members.py"),
    "scheduling.Aggregate": OPERATORS,
    "scheduling.Aggregate_hosts": OPERATORS,
    "scheduling.Allocation": SYSTEM,
    "scheduling.Host": SYSTEM,
    "scheduling.Inventory": SYSTEM,
    "scheduling.Scheduler": SYSTEM,
    "scheduling.Stamp": SYSTEM,
    "networking.AddressGroup": Quota("address_group"),
    "networking.AddressScope": Quota("address_scope"),
    "networking.AgentNote": OPERATORS,
    "networking.CloudProperty": OPERATORS,
    "networking.FixedIP": Part("networking.Port", "MAX_FIXED_IPS", PORTS),
    "networking.FloatingIP": Quota("floatingip"),
    "networking.Network": Quota("network"),
    "networking.Port": Quota("port"),
    "networking.PortForwarding": Part("networking.FloatingIP", "MAX_PORTS", f"{PORTS}/services/port_forwardings.py"),
    "networking.PortSecurityGroup": Part("networking.Port", "max_length=32", f"{PORTS}/api/serializers/ports.py"),
    "networking.QosPolicy": OPERATORS,
    "networking.QosRule": Part("networking.QosPolicy", "_refuse_second", f"{PORTS}/services/qos_rules.py"),
    "networking.RbacPolicy": Quota("rbac_policy"),
    "networking.Router": Quota("router"),
    "networking.RouterInterface": Part("networking.Port", "OneToOneField", f"{PORTS}/models/routers.py"),
    "networking.SecurityGroup": Quota("security_group"),
    "networking.SecurityGroupRule": Quota("security_group_rule"),
    "networking.SubPort": Part("networking.Port", "OneToOneField", f"{PORTS}/models/trunks.py"),
    "networking.Trunk": Quota("trunk"),
    "networking.Subnet": Quota("subnet"),
    "networking.SubnetPool": Quota("subnetpool"),
    "volumes.Attachment": Part("volumes.Volume", "MAX_ATTACHMENTS", "apps/volumes/services"),
    "volumes.Backup": Quota("backups"),
    "volumes.BackupPlan": Part("identity.Project", "MAX_PLANS", "apps/volumes/services"),
    "volumes.DefaultType": OPERATORS,
    "volumes.DisabledBackend": OPERATORS,
    "volumes.EncryptionType": OPERATORS,
    "volumes.Export": Part("volumes.Attachment", "export_once_a_host", "apps/volumes/models"),
    "volumes.Group": Quota("groups"),
    "volumes.GroupSnapshot": Part("volumes.Group", "MAX_SNAPSHOTS", "apps/volumes/services"),
    "volumes.GroupType": OPERATORS,
    "volumes.Message": Aged("settings.MESSAGE_DAYS"),
    "volumes.Pool": OPERATORS,
    "volumes.QosSpec": OPERATORS,
    "volumes.Snapshot": Quota("snapshots"),
    "volumes.Transfer": Part("volumes.Volume", "transfer_once_per_volume", "apps/volumes/models"),
    "volumes.Volume": Quota("volumes"),
    "volumes.VolumeKey": Part("volumes.Volume", "volume_key_once", "apps/volumes/models"),
    "volumes.VolumeType": OPERATORS,
    "volumes.VolumeTypeAccess": OPERATORS,
    "compute.BlockDevice": Part("compute.Server", "block_device_mapping_v2", "apps/compute/api/serializers/servers.py"),
    "compute.Flavor": OPERATORS,
    "compute.FlavorAccess": OPERATORS,
    "compute.KeyPair": Quota("key_pairs"),
    "compute.Migration": Aged("settings.RUN_DAYS"),
    "compute.Server": Quota("instances"),
    "compute.ServerGroup": Quota("server_groups"),
    "compute.ServerPassword": Part("compute.Server", "OneToOneField", "apps/compute/models/server_passwords.py"),
}


def models() -> list[str]:
    return [model._meta.label for model in apps.get_models(include_auto_created=True)]


def test_every_model_has_a_line() -> None:
    assert set(models()) == set(LIMITS)


@pytest.mark.parametrize("model", sorted(LIMITS))
def test_what_a_line_names_is_there(model: str) -> None:
    assert LIMITS[model].fault(model) is None
