"""Policy rules of the network service, under Neutron's names. ``network_project_id`` in a target is the network's
owner.
"""

from apps.common.policy import ADMIN, ANYBODY, PROJECT_MANAGER, PROJECT_MEMBER, PROJECT_READER

# Neutron's own words, for operators' files.
WORDS = {
    "owner": "tenant_id:%(tenant_id)s",
    "admin_or_owner": "rule:context_is_admin or rule:owner",
    "context_is_advsvc": "role:advsvc",
    "regular_user": "",
}
SHARED = "True:%(network_shared)s"
NOT_FOR_EVERYBODY = f"{ADMIN} or not '*':%(target_tenant)s"
NETWORK_OWNER = f"{ADMIN} or (role:member and project_id:%(network_project_id)s)"

# Selectors decide which rows a caller sees: its project's, and shared ones.
READABLE = (
    "network subnet port security_group security_group_rule router floatingip subnetpool address_scope address_group "
    "rbac_policy"
)

RULES = {
    **{f"get_{noun}": PROJECT_READER for noun in READABLE.split()},
    "get_tags": PROJECT_READER,
    "create_network": PROJECT_MEMBER,
    "create_network:shared": ADMIN,
    "create_network:router:external": ADMIN,
    "create_network:is_default": ADMIN,
    "create_network:provider": ADMIN,
    "get_network:provider": ADMIN,
    "update_network": PROJECT_MEMBER,
    "update_network:shared": ADMIN,
    "update_network:router:external": ADMIN,
    "update_network:is_default": ADMIN,
    "update_network:provider": ADMIN,
    "delete_network": PROJECT_MEMBER,
    "create_subnet": NETWORK_OWNER,
    "update_subnet": PROJECT_MEMBER,
    "delete_subnet": PROJECT_MEMBER,
    "create_subnetpool": PROJECT_MEMBER,
    "create_subnetpool:shared": ADMIN,
    "create_subnetpool:is_default": ADMIN,
    "update_subnetpool": PROJECT_MEMBER,
    "update_subnetpool:is_default": ADMIN,
    "delete_subnetpool": PROJECT_MEMBER,
    "add_prefixes": PROJECT_MEMBER,
    "remove_prefixes": PROJECT_MEMBER,
    "onboard_network_subnets": PROJECT_MEMBER,
    "create_address_scope": PROJECT_MEMBER,
    "create_address_scope:shared": ADMIN,
    "update_address_scope": PROJECT_MEMBER,
    "update_address_scope:shared": ADMIN,
    "delete_address_scope": PROJECT_MEMBER,
    "create_rbac_policy": PROJECT_MEMBER,
    "create_rbac_policy:target_tenant": NOT_FOR_EVERYBODY,
    "update_rbac_policy": PROJECT_MEMBER,
    "update_rbac_policy:target_tenant": NOT_FOR_EVERYBODY,
    "delete_rbac_policy": PROJECT_MEMBER,
    **{f"{action}_address_group": PROJECT_MEMBER for action in ("create", "update", "delete")},
    "add_addresses": PROJECT_MEMBER,
    "remove_addresses": PROJECT_MEMBER,
    "get_auto_allocated_topology": PROJECT_READER,
    "delete_auto_allocated_topology": PROJECT_MEMBER,
    **{f"{action}_agent": ADMIN for action in ("get", "update", "delete")},
    **{f"{action}_segment": ADMIN for action in ("get", "create", "update", "delete")},
    "get_network_ip_availability": ADMIN,
    "get_availability_zone": "role:reader",
    "get_service_provider": "role:reader",
    "create_port": PROJECT_MEMBER,
    "create_port:mac_address": NETWORK_OWNER,
    "create_port:fixed_ips": ANYBODY,
    "create_port:fixed_ips:ip_address": NETWORK_OWNER,
    "create_port:fixed_ips:subnet_id": f"{NETWORK_OWNER} or {SHARED}",
    "create_port:port_security_enabled": NETWORK_OWNER,
    "create_port:allowed_address_pairs": NETWORK_OWNER,
    "create_port:device_owner:network": ADMIN,
    "create_port:binding:host_id": ADMIN,
    "create_port:binding:profile": ADMIN,
    "create_port:binding:vnic_type": PROJECT_MEMBER,
    "get_port:binding": ADMIN,
    "update_port": PROJECT_MEMBER,
    "update_port:mac_address": ADMIN,
    "update_port:fixed_ips": ANYBODY,
    "update_port:fixed_ips:ip_address": NETWORK_OWNER,
    "update_port:fixed_ips:subnet_id": f"{NETWORK_OWNER} or {SHARED}",
    "update_port:port_security_enabled": NETWORK_OWNER,
    "update_port:allowed_address_pairs": NETWORK_OWNER,
    "update_port:device_owner:network": ADMIN,
    "update_port:binding:host_id": ADMIN,
    "update_port:binding:profile": ADMIN,
    "update_port:binding:vnic_type": PROJECT_MEMBER,
    "delete_port": PROJECT_MEMBER,
    **{
        f"{action}_router{part}": rule
        for action in ("create", "update")
        for part, rule in (
            ("", PROJECT_MEMBER),
            (":external_gateway_info", PROJECT_MEMBER),
            (":external_gateway_info:network_id", PROJECT_MEMBER),
            (":external_gateway_info:enable_snat", ADMIN),
            (":external_gateway_info:external_fixed_ips", ADMIN),
        )
    },
    "delete_router": PROJECT_MEMBER,
    "add_router_interface": PROJECT_MEMBER,
    "remove_router_interface": PROJECT_MEMBER,
    "add_extraroutes": PROJECT_MEMBER,
    "remove_extraroutes": PROJECT_MEMBER,
    "get_router:distributed": ADMIN,
    "get_router:ha": ADMIN,
    "create_floatingip": PROJECT_MEMBER,
    "create_floatingip:floating_ip_address": ADMIN,
    "update_floatingip": PROJECT_MEMBER,
    "delete_floatingip": PROJECT_MEMBER,
    "get_floatingip_port_forwarding": PROJECT_READER,
    "create_floatingip_port_forwarding": PROJECT_MEMBER,
    "update_floatingip_port_forwarding": PROJECT_MEMBER,
    "delete_floatingip_port_forwarding": PROJECT_MEMBER,
    "get_policy": PROJECT_READER,
    "create_policy": PROJECT_MANAGER,
    "create_policy:shared": ADMIN,
    "update_policy": PROJECT_MANAGER,
    "update_policy:shared": ADMIN,
    "delete_policy": PROJECT_MANAGER,
    "get_rule_type": ANYBODY,
    "get_rule_type:drivers": ADMIN,
    **{
        f"{action}_{owner}_{kind}_rule": PROJECT_READER if action == "get" else PROJECT_MANAGER
        for kind in ("bandwidth_limit", "dscp_marking")
        for owner in ("policy", "alias")
        for action in ("get", "create", "update", "delete")
        if (owner, action) != ("alias", "create")
    },
    "get_trunk": PROJECT_READER,
    "create_trunk": PROJECT_MEMBER,
    "update_trunk": PROJECT_MEMBER,
    "delete_trunk": PROJECT_MEMBER,
    "get_subports": PROJECT_READER,
    "add_subports": PROJECT_MEMBER,
    "remove_subports": PROJECT_MEMBER,
    "create_security_group": PROJECT_MEMBER,
    "update_security_group": PROJECT_MEMBER,
    "delete_security_group": PROJECT_MEMBER,
    "create_security_group_rule": PROJECT_MEMBER,
    "delete_security_group_rule": PROJECT_MEMBER,
    "create_tags": PROJECT_MEMBER,
    "delete_tags": PROJECT_MEMBER,
    "get_quota": PROJECT_READER,
    "update_quota": ADMIN,
    "delete_quota": ADMIN,
    "networking:any_project": ADMIN,
}
