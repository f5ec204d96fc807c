"""Actions on a server's ports, addresses and security groups."""

from apps.common.microversions import since
from apps.common.policy import ADMIN
from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import ServerAction

ADD_GROUP = ServerAction(
    name="addSecurityGroup", key="addSecurityGroup", rule="os-security-groups:add", title="Add a security group",
    others=("update_port",), icon="add_moderator", explains="Gives all ports of the server a security group.",
    body=bodies.GROUP, arguments=bodies.as_given, service="server_security_groups.add",
)  # fmt: skip
REMOVE_GROUP = ServerAction(
    name="removeSecurityGroup", key="removeSecurityGroup", rule="os-security-groups:remove", others=("update_port",),
    title="Remove a security group", icon="remove_moderator",
    explains="Takes a security group from all ports of the server.",
    body=bodies.GROUP, arguments=bodies.as_given, service="server_security_groups.remove",
)  # fmt: skip
ADD_FLOATING_IP = ServerAction(
    name="addFloatingIp", key="addFloatingIp", versions=since("2.1", "2.43"), rule="os-floating-ips:add",
    others=("update_floatingip",), title="Add a floating IP", icon="add_location",
    explains="Leads a floating IP of the project to one of the server's addresses.",
    body=bodies.ADDED_ADDRESS, arguments=bodies.as_given, service="server_floating_ips.add",
)  # fmt: skip
REMOVE_FLOATING_IP = ServerAction(
    name="removeFloatingIp", key="removeFloatingIp", versions=since("2.1", "2.43"), rule="os-floating-ips:remove",
    others=("update_floatingip",), title="Remove a floating IP", icon="location_off",
    explains="Disassociates a floating IP from the server; the project keeps it.",
    body=bodies.REMOVED_ADDRESS, arguments=bodies.as_given, service="server_floating_ips.remove",
)  # fmt: skip
_WITH_GUEST = (states.ACTIVE, states.PAUSED, states.STOPPED)
ATTACH_INTERFACE = ServerAction(
    name="attach_interface", rule="os-attach-interfaces:create", title="Attach an interface", icon="settings_ethernet",
    explains="Plugs a network card into the server, also while it runs: with a new port on a network, or with a given "
    "one.",
    vm_states=_WITH_GUEST, pipeline="server.attach_interface", service="interfaces.attach",
)  # fmt: skip
DETACH_INTERFACE = ServerAction(
    name="detach_interface", rule="os-attach-interfaces:delete", title="Detach an interface", icon="link_off",
    explains="Unplugs a network card once the guest has released it. A port that was made for the server is deleted; "
    "others become free.",
    vm_states=_WITH_GUEST, pipeline="server.detach_interface", arguments=bodies.as_given, service="interfaces.detach",
)  # fmt: skip
ADD_FIXED_IP = ServerAction(
    name="addFixedIp", key="addFixedIp", versions=since("2.1", "2.43"), rule="os-multinic:add", title="Add a fixed IP",
    icon="add_circle", explains="Gives the server's port on a network one more address of it.",
    vm_states=_WITH_GUEST, body=bodies.NETWORK, arguments=bodies.network, service="server_fixed_ips.add",
)  # fmt: skip
REMOVE_FIXED_IP = ServerAction(
    name="removeFixedIp", key="removeFixedIp", versions=since("2.1", "2.43"), rule="os-multinic:remove",
    title="Remove a fixed IP", icon="do_not_disturb_on",
    explains="Takes an address from the server's port that has it.",
    vm_states=_WITH_GUEST, body=bodies.REMOVED_ADDRESS, arguments=bodies.as_given, service="server_fixed_ips.remove",
)  # fmt: skip
INJECT_NETWORK_INFO = ServerAction(
    name="injectNetworkInfo", key="injectNetworkInfo", rule="os-admin-actions:inject_network_info", who=ADMIN,
    title="Program the network again", icon="sync",
    explains="Has the network engine program the server's ports again.",
    service="interfaces.program",
)  # fmt: skip
