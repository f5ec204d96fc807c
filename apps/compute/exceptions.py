"""Refusals of compute.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, CloudError, Conflict, Forbidden, Gone, NotFound


class RemovedFromNova(Gone):
    """410, as Nova itself answers."""

    template = "{what} are not available any more: OpenStack has removed this API."


class BareMetalElsewhere(BadRequest):
    """nova/api/openstack/compute/baremetal_nodes.py"""

    template = "Command not supported. Please use Ironic command {command} to perform this action."


class ConsoleTypeUnavailable(BadRequest):
    """400 (nova/exception.py): no host has such consoles."""

    template = "Unavailable console type {type}."


class ShareNotFound(NotFound):
    template = "Share {share} could not be found: this cloud has no service of shared file systems."


class ActionNotOffered(BadRequest):
    template = "This cloud does not offer {what}: the action '{action}' is not available."


class ServerNotFound(NotFound):
    template = "Instance {server} could not be found."


class FlavorNotFound(NotFound):
    template = "Flavor {flavor} could not be found."


class ServerGroupNotFound(NotFound):
    template = "Instance group {group} could not be found."


class KeyPairNotFound(NotFound):
    template = "Keypair {name} not found for user {user}"


class KeyPairExists(Conflict):
    template = "Key pair '{name}' already exists."


class PasswordPosted(Conflict):
    """409: a guest posts its password once; its owner clears it before another one."""

    template = "Instance {server} has posted its password already."


class WrongState(Conflict):
    """409 naming the state (nova/exception.py, InstanceInvalidState)."""

    template = "Cannot '{action}' instance {server} while it is in {attribute} {state}"


class ServerInUse(Conflict):
    """409 naming the action of another subject, as of a volume, that works on the server."""

    template = "Cannot '{action}' instance {server}: it is in use by '{user}'"


class NotResized(BadRequest):
    """400 (nova/exception.py, MigrationNotFound)."""

    template = "Instance has not been resized."


class ComputeServiceUnavailable(BadRequest):
    template = "Compute service of {host} is unavailable at this time."


class ServiceUnavailable(Conflict):
    """409, without the host's name, which is not for users (nova/compute/api.py, check_instance_host)."""

    template = "Service is unavailable at this time."


class UnshelveInstanceInvalidState(Conflict):
    """nova/exception.py"""

    template = (
        'Specifying an availability zone or a host when unshelving server "{instance_uuid}" with status "{state}" is '
        "not supported. The server status must be SHELVED_OFFLOADED."
    )


class UnshelveHostNotInAZ(Conflict):
    """nova/exception.py"""

    template = 'Host "{host}" is not in the availability zone "{availability_zone}".'


class ComputeServiceInUse(BadRequest):
    template = "Compute service of {host} is still in use."


class InvalidMigrationState(BadRequest):
    """nova/exception.py"""

    template = (
        "Migration {migration_id} state of instance {instance_uuid} is {state}. Cannot {method} while the migration is "
        "in this state."
    )


class MigrationToSameHost(BadRequest):
    """nova/exception.py, UnableToMigrateToSelf"""

    template = "Unable to migrate instance ({instance_id}) to current host ({host})."


class ServerLocked(Conflict):
    template = "Instance {server} is locked"


class VolumeBacked(BadRequest):
    """400: the root disk is a volume, which createBackup does not take (nova/compute/api.py, backup)."""

    template = "Backup is not supported for volume-backed instances. Create an image, or a backup of the volume."


class GuestAgentMissing(Conflict):
    """409: what is asked of the guest's agent, and the guest has none."""

    template = "Cannot '{action}' instance {server}: {reason}."


class ImageUnusable(BadRequest):
    pass


class SignatureOfVolume(BadRequest):
    """400 (nova/exception.py, CertificateValidationFailed)."""

    template = "Image certificate validation is not supported {where}"


class HardwareInvalid(BadRequest):
    """Flavor and image ask for a machine that there cannot be, or contradict each other."""


class NotWithThisHardware(Conflict):
    template = "Operation '{action}' not supported for {hardware}-enabled instance ({server})."


class FlavorExists(Conflict):
    template = "Flavor with {attribute} {value} already exists."


class FlavorAccessExists(Conflict):
    template = "Flavor access already exists for flavor {flavor} and project {project} combination."


class FlavorAccessNotFound(NotFound):
    template = "Flavor access not found for {flavor} / {project} combination."


class ExtraSpecNotFound(NotFound):
    template = "Flavor {flavor} has no extra specs with key {key}."


class KeyPairInvalid(BadRequest):
    template = "Keypair data is invalid: {reason}"


class MetadataNotFound(NotFound):
    template = "Metadata item was not found"


class TagNotFound(NotFound):
    template = "Server {server} has no tag '{tag}'"


class HypervisorNotFound(NotFound):
    template = "Hypervisor with ID '{hypervisor}' could not be found."


class ServiceNotFound(NotFound):
    template = "Service {service} could not be found."


class InterfacePortNotFound(NotFound):
    template = "Port id {port} could not be found."


class NoNetworkToAttach(BadRequest):
    template = "No specific network was requested and none are available for project '{project}'."


class NoMoreFixedIps(BadRequest):
    template = "No fixed IP addresses available for network: {network}"


class PortLimitExceeded(Forbidden):
    template = "Maximum number of ports exceeded"


class InterfaceAttachFailed(CloudError):
    template = "Failed to attach network adapter device to {server}"


class NetworkOfServerNotFound(NotFound):
    template = "Network could not be found for instance {server}."


class FixedIpOfServerNotFound(BadRequest):
    template = "Instance {server} doesn't have fixed IP '{ip}'."


class VolumeNotAttached(NotFound):
    """404 (nova/api/openstack/compute/volume_attachments.py)."""

    template = "Instance {server} is not attached to volume {volume}"


class RootVolumeHeld(Forbidden):
    template = "Cannot detach a root device volume"


class TooManyDisks(Forbidden):
    template = (
        "The maximum allowed number of disk devices ({allowed}) to attach to a single instance has been exceeded."
    )


class MultiattachTooOld(BadRequest):
    template = "Multiattach volumes are only supported starting with compute API version 2.60."


class VolumeOfNoServer(BadRequest):
    template = "No volume Block Device Mapping with id {volume}."


class SwapOfShared(BadRequest):
    template = "Swapping multi-attach volumes with more than one read/write attachment is not supported."
