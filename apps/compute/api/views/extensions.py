"""/extensions: compute's features, in the names from before microversions."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.compute.api.views.base import ComputeView

_OFFERED = {
    "extensions": ("Extensions", "Extension information."),
    "flavors": ("Flavors", "Flavors."),
    "images": ("Images", "Images, as the image service has them."),
    "ips": ("Ips", "Addresses of servers."),
    "limits": ("Limits", "Limits of a project."),
    "os-admin-actions": ("AdminActions", "Resetting a server's state."),
    "os-aggregates": ("Aggregates", "Host aggregates, for administrators."),
    "os-attach-interfaces": ("AttachInterfaces", "Interfaces of servers."),
    "os-availability-zone": ("AvailabilityZone", "Availability zones."),
    "os-config-drive": ("ConfigDrive", "Config drives."),
    "os-console-output": ("ConsoleOutput", "Console output of a server."),
    "os-consoles": ("Consoles", "Consoles of servers: their output, not remote ones."),
    "os-deferred-delete": ("DeferredDelete", "Deleting a server by force."),
    "os-extended-availability-zone": ("ExtendedAvailabilityZone", "The availability zone of a server."),
    "os-extended-server-attributes": ("ExtendedServerAttributes", "The host of a server, for administrators."),
    "os-extended-status": ("ExtendedStatus", "vm_state, task_state and power_state of a server."),
    "os-flavor-access": ("FlavorAccess", "Which projects may use a private flavor."),
    "os-flavor-extra-specs": ("FlavorExtraSpecs", "Extra specs of flavors."),
    "os-flavor-manage": ("FlavorManage", "Creating and deleting flavors."),
    "os-hosts": ("Hosts", "Hosts, for administrators."),
    "os-hypervisors": ("Hypervisors", "Hypervisors, for administrators."),
    "os-instance-actions": ("InstanceActions", "Actions on a server."),
    "os-instance-usage-audit-log": ("InstanceUsageAuditLog", "Which hosts reported usage, for administrators."),
    "os-keypairs": ("Keypairs", "Key pairs."),
    "os-lock-server": ("LockServer", "Locking a server."),
    "os-migrations": ("Migrations", "Migrations of servers, for administrators."),
    "os-multiple-create": ("MultipleCreate", "Creating several servers at once."),
    "os-networks": ("Networks", "Networks, for administrators."),
    "os-pause-server": ("PauseServer", "Letting paused servers go on."),
    "os-quota-class-sets": ("QuotaClasses", "Default quotas."),
    "os-quota-sets": ("Quotas", "Quotas of projects."),
    "os-scheduler-hints": ("SchedulerHints", "Hints to the scheduler."),
    "os-security-groups": ("SecurityGroups", "Security groups."),
    "os-server-groups": ("ServerGroups", "Servers that belong together, or apart."),
    "os-server-password": ("ServerPassword", "Passwords that guests posted."),
    "os-server-tags": ("ServerTags", "Tags of servers."),
    "os-server-usage": ("ServerUsage", "When a server was launched and ended."),
    "os-services": ("Services", "Compute services, for administrators."),
    "os-simple-tenant-usage": ("SimpleTenantUsage", "Usage of projects."),
    "os-tenant-networks": ("OSTenantNetworks", "Networks of a project."),
    "os-used-limits": ("UsedLimits", "What a project uses of its limits."),
    "os-user-data": ("UserData", "User data for new servers."),
    "server-metadata": ("ServerMetadata", "Metadata of servers."),
    "servers": ("Servers", "Servers."),
}


def _document(alias: str) -> dict[str, object]:
    name, description = _OFFERED[alias]
    return {
        "alias": alias,
        "name": name,
        "description": description,
        "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
        "updated": "2014-12-03T00:00:00Z",
        "links": [],
    }


class ExtensionsView(ComputeView):
    """The extensions that compute offers."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:extensions")
        return Response({"extensions": [_document(alias) for alias in _OFFERED]})


class ExtensionView(ComputeView):
    """One of the things that compute offers."""

    def get(self, request: Request, alias: str) -> Response:
        policy.check(self.caller, "os_compute_api:extensions")
        if alias not in _OFFERED:
            raise NotFound(f"Extension {alias[:64]} could not be found.")
        return Response({"extension": _document(alias)})
