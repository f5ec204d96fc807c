"""Bodies that would be valid if the caller were allowed to send them."""

from typing import Any

from apps.compute import actions
from tests.isolation.routes import Call

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0jlQpPGbbCNTuvXI7HvmSiHDaPQTN7PmjM3ZLLOjbN"
SHARING = {"object_type": "network", "action": "access_as_shared", "target_tenant": "1" * 32}
_ATTRIBUTES = {"name": "written", "description": "written"}
_ACTION_VALUES: dict[str, Any] = {
    "reboot": {"type": "SOFT"},
    "os-resetState": {"state": "active"},
    "os-getConsoleOutput": {"length": 1},
    "addSecurityGroup": {"name": "default"},
    "removeSecurityGroup": {"name": "default"},
    "addFixedIp": {"networkId": "0" * 32},
    "addFloatingIp": {"address": "198.18.0.1"},
    "changePassword": {"adminPass": "a new password"},
    "createBackup": {"name": "backup", "backup_type": "daily", "rotation": 1},
    "createImage": {"name": "image"},
    "rebuild": {"imageRef": "1" * 32},
    "removeFixedIp": {"address": "10.9.0.9"},
    "removeFloatingIp": {"address": "198.18.0.1"},
}
_ENDS = {"protocol": "tcp", "external_port": 80, "internal_port": 80}
_AGGREGATE_ACTIONS = [
    {"add_host": {"host": "host-1"}},
    {"remove_host": {"host": "host-1"}},
    {"set_metadata": {"metadata": {"written": "1"}}},
]
_VOLUME_VALUES: dict[str, Any] = {
    "os-attach": {"host_name": "h"},
    "os-extend": {"new_size": 2},
    "os-initialize_connection": {"connector": {"host": "h"}},
    "os-terminate_connection": {"connector": {"host": "h"}},
    "os-retype": {"new_type": "no-such"},
    "revert": {"snapshot_id": "0" * 32},
    "os-reimage": {"image_id": "0" * 32},
    "os-extend_volume_completion": {"error": False},
    "os-volume_upload_image": {"image_name": "written"},
    "os-set_bootable": {"bootable": True},
    "os-update_readonly_flag": {"readonly": True},
    "os-set_image_metadata": {"metadata": {"written": "1"}},
    "os-unset_image_metadata": {"key": "k"},
    "os-reset_status": {"status": "error"},
    "os-migrate_volume": {"host": "h@local"},
    "os-migrate_volume_completion": {"new_volume": "0" * 32},
    "os-update_snapshot_status": {"status": "creating"},
}
_VOLUME_ACTIONS = ("<volume_id>/action", "<snapshot_id>/action", "<backup_id>/action")
_BY_PATH: list[tuple[str, Any]] = [
    ("volume/v3/os-quota-sets", {"quota_set": {"volumes": 1}}),
    ("volume/v3/os-quota-class-sets", {"quota_class_set": {"volumes": 1}}),
    ("volume/v3/os-services", {"host": "host-1@local", "binary": "cinder-volume"}),
    ("types/<type_id>/action", {"addProjectAccess": {"project": "x"}}),
    ("types/<type_id>/extra_specs/<key>", {"k": "written"}),
    ("types/<type_id>/extra_specs", {"extra_specs": {"written": "1"}}),
    ("volume/v3/types", {"volume_type": {"name": "written"}}),
    ("attachments/<attachment_id>/action", {"os-complete": {}}),
    ("volume/v3/attachments/", {"attachment": {"connector": {"host": "h"}}}),
    ("group_types/<group_type_id>/group_specs/<key>", {"k": "written"}),
    ("group_types/<group_type_id>/group_specs", {"group_specs": {"written": "1"}}),
    ("volume/v3/group_types", {"group_type": {"name": "written"}}),
    ("volume/v3/groups/action", {"create-from-src": {"source_group_id": "0" * 32}}),
    ("volume/v3/groups/<group_id>/action", {"delete": {"delete-volumes": False}}),
    ("volume/v3/group_snapshots/<group_snapshot_id>/action", {"reset_status": {"status": "error"}}),
    ("/delete_keys", {"keys": ["k"]}),
    ("volume/v3/qos-specs", {"qos_specs": {"name": "written", "k": "written"}}),
    ("/encryption", {"encryption": {"provider": "luks"}}),
    ("volume/v3/default-types", {"default_type": {"volume_type": "no-such"}}),
    ("/restore", {"restore": {"name": "x"}}),
    ("/import_record", {"backup-record": {"backup_service": "cinder.backup.drivers.celerity", "backup_url": "e30="}}),
    ("/accept", {"accept": {"auth_key": "x"}}),
    ("alias_bandwidth_limit_rules", {"alias_bandwidth_limit_rule": {"max_kbps": 1}}),
    ("alias_dscp_marking_rules", {"alias_dscp_marking_rule": {"dscp_mark": 8}}),
    ("bandwidth_limit_rules", {"bandwidth_limit_rule": {"max_kbps": 1}}),
    ("dscp_marking_rules", {"dscp_marking_rule": {"dscp_mark": 8}}),
    ("network/v2.0/agents/", {"agent": {"description": "written"}}),
    ("qos/policies", {"policy": {"name": "written"}}),
    ("<str:namespace>/tags/", {"name": "written"}),
    ("<str:namespace>/tags", {"tags": [{"name": "written"}]}),
    ("<str:namespace>/properties", {"name": "written", "title": "t", "type": "string"}),
    ("<str:namespace>/", {"name": "written"}),
    ("metadefs/namespaces", {"namespace": "written"}),
    ("/password", {"user": {"password": "p", "original_password": "o"}}),
    ("OS-KSCRUD", {"user": {"password": "p", "original_password": "o"}}),
    ("/application_credentials", {"application_credential": {"name": "x"}}),
    ("/OS-EC2", {"tenant_id": "x"}),
    ("/v3/credentials", {"credential": {"type": "x", "blob": "y"}}),
    ("/ec2tokens", {"credentials": {"access": "a", "signature": "s", "verb": "GET", "path": "/", "body_hash": "x"}}),
    ("/registered_limits", {"registered_limits": [{"service_id": "x", "resource_name": "r", "default_limit": 1}]}),
    ("/limits", {"limits": [{"project_id": "x", "service_id": "x", "resource_name": "r", "resource_limit": 1}]}),
    ("/endpoint_groups", {"endpoint_group": {"name": "written", "filters": {"interface": "public"}}}),
    ("/config/<str:group>/<str:option>", {"config": {"list_limit": 7}}),
    ("/config", {"config": {"identity": {"list_limit": 7}}}),
    ("/policies", {"policy": {"type": "t", "blob": "b"}}),
    ("/projects/<str:project_id>/tags", {"tags": ["x"]}),
    ("/metadata/<key>", {"meta": {"k": "written"}}),
    ("/metadata", {"metadata": {"written": "1"}}),
    ("servers/<server_id>/tags", {"tags": ["written"]}),
    ("/tags", {"tags": ["written"]}),
    ("os-extra_specs/<key>", {"k": "written"}),
    ("os-extra_specs", {"extra_specs": {"written": "1"}}),
    ("flavors/<flavor_id>/action", {"addTenantAccess": {"tenant": "x"}}),
    ("os-keypairs", {"keypair": {"name": "written", "public_key": KEY}}),
    ("os-aggregates/<aggregate_id>/images", {"cache": [{"id": "0" * 32}]}),
    ("os-aggregates", {"aggregate": {"name": "written"}}),
    ("os-server-groups", {"server_group": {"name": "written", "policy": "affinity"}}),
    ("os-quota-sets", {"quota_set": {"instances": 1}}),
    ("os-quota-class-sets", {"quota_class_set": {"instances": 1}}),
    ("/add_router_interface", {"subnet_id": "0" * 32}),
    ("/remove_router_interface", {"subnet_id": "0" * 32}),
    ("v2.0/rbac-policies/", {"rbac_policy": {"target_tenant": "1" * 32}}),
    ("_addresses", {"addresses": ["192.0.2.9"]}),
    ("_prefixes", {"prefixes": ["10.250.0.0/16"]}),
    ("/onboard_network_subnets", {"network_id": "0" * 32}),
    ("v2.0/address-scopes/", {"address_scope": {"name": "written"}}),
    ("v2.0/address-scopes", {"address_scope": {"name": "written", "ip_version": 4}}),
    ("v2.0/subnetpools/", {"subnetpool": dict(_ATTRIBUTES)}),
    ("v2.0/subnetpools", {"subnetpool": {"name": "written", "prefixes": ["10.251.0.0/16"]}}),
    ("_subports", {"sub_ports": []}),
    ("_extraroutes", {"router": {"routes": []}}),
    ("/port_forwardings/", {"port_forwarding": {"description": "written"}}),
    ("/port_forwardings", {"port_forwarding": {**_ENDS, "internal_port_id": "0" * 32}}),
    ("v2.0/floatingips/", {"floatingip": {"description": "written"}}),
    ("v2.0/quotas", {"quota": {"port": 1}}),
    ("os-services", {"status": "disabled"}),
    ("os-hosts", {"status": "disable"}),
    ("os-floating-ips", {"pool": "public"}),
    ("os-security-groups", {"security_group": {"name": "written", "description": "written"}}),
    ("/members/<str:member_id>", {"status": "accepted"}),
    ("/members", {"member": "0" * 32}),
    ("image/v2/images", {"name": "written"}),
    ("OS-KSADM/services", {"OS-KSADM:service": {"type": "t", "name": "written"}}),
]


def _referring(call: Call, values: dict[str, str]) -> Any:
    """Return bodies that name other objects; these must exist, or policy is not checked."""
    network, group = values["network_id"], values["security_group_id"]
    place = {"availability_zone": "nova:host-1", "networks": [{"uuid": network, "fixed_ip": "10.99.0.9"}]}
    server = {"server": {"name": "written", "imageRef": "x", "flavorRef": "x", **place}}
    managed = {"volume": {"host": "h@local", "ref": {"source-name": "x"}}}
    assisted = {"snapshot_id": "0" * 32, "type": "qcow2", "new_file": "new"}
    trust = {"trustor_user_id": values["user_id"], "trustee_user_id": values["user_id"], "impersonation": True}
    return {
        "volume/v3/volumes": {"volume": {"size": 1}},
        "volume/v3/snapshots": {"snapshot": {"volume_id": values["volume_id"]}},
        "volume/v3/manageable_volumes": managed,
        "volume/v3/os-volume-manage": managed,
        **{
            f"volume/v3/{route}": {"snapshot": {"volume_id": values["volume_id"], "ref": {"source-name": "x"}}}
            for route in ("manageable_snapshots", "os-snapshot-manage")
        },
        "volume/v3/backup_plans": {"backup_plan": {"interval_hours": 24, "keep": 7}},
        "volume/v3/backup_plans/<plan_id>": {"backup_plan": {"keep": 7}},
        "volume/v3/attachments": {"attachment": {"volume_uuid": values["volume_id"]}},
        "volume/v3/os-volume-transfer": {"transfer": {"volume_id": values["volume_id"]}},
        "volume/v3/volume-transfers": {"transfer": {"volume_id": values["volume_id"]}},
        "network/v2.0/subnets": {"subnet": {"network_id": network, "cidr": "10.99.0.0/24", "ip_version": 4}},
        "network/v2.0/floatingips": {"floatingip": {"floating_network_id": network}},
        "network/v2.0/trunks": {"trunk": {"port_id": "0" * 32}},
        "network/v2.0/ports": {"port": {"network_id": network}},
        "network/v2.0/rbac-policies": {"rbac_policy": {**SHARING, "object_id": network}},
        "network/v2.0/security-group-rules": {
            "security_group_rule": {"security_group_id": group, "direction": "egress"}
        },
        "compute/v2.1/os-volumes": {"volume": {"size": 1}},
        "compute/v2.1/os-snapshots": {"snapshot": {"volume_id": values["volume_id"]}},
        "compute/v2.1/os-assisted-volume-snapshots": {
            "snapshot": {"volume_id": values["volume_id"], "create_info": assisted}
        },
        "compute/v2.1/servers": server,
        "compute/v2.1/os-volumes_boot": server,
        "compute/v2.1/os-security-group-rules": {
            "security_group_rule": {"parent_group_id": group, "ip_protocol": "tcp", "from_port": 1, "to_port": 1}
        },
        "identity/v3/OS-TRUST/trusts": {
            "trust": {**trust, "project_id": values["project_id"], "roles": [{"name": "member"}]}
        },
    }.get(call.route)


def of(call: Call, values: dict[str, str]) -> list[Any]:
    """Return the bodies to try on a call: one for each action where it takes actions."""
    if not call.writes or call.method == "delete":
        return [None]
    if call.route.endswith(("servers/<server_id>/action", "os-volumes_boot/<server_id>/action")):
        return [{name: _ACTION_VALUES.get(name)} for name in actions.of_api()]
    if call.route.endswith("os-aggregates/<aggregate_id>/action"):
        return list(_AGGREGATE_ACTIONS)
    if call.route.startswith("volume/v3/") and call.route.endswith(_VOLUME_ACTIONS):
        return [{name: _VOLUME_VALUES.get(name)} for name in call.view.ACTIONS]
    referring = _referring(call, values)
    if referring is not None:
        return [referring]
    if call.route.endswith("/file"):
        return [b"bits"]
    for part, body in _BY_PATH:
        if part in call.route:
            patched = call.method == "patch" and "image/v2/images" in part
            return [[{"op": "replace", "path": "/name", "value": "written"}] if patched else _single(call, body)]
    words = [word.replace("-", "_") for word in call.route.split("/") if "<" not in word]
    noun = words[-1].removesuffix("s")
    return [{noun: {} if noun.startswith("security_group_rule") else dict(_ATTRIBUTES)}]


def _single(call: Call, body: Any) -> Any:
    """Return the body of one limit where the route ends with an id."""
    key = next(iter(body))
    if key in ("limits", "registered_limits") and call.method == "patch":
        return {key.removesuffix("s"): {"description": "written"}}
    return body
