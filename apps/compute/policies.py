"""Compute's rules, with Nova's names and defaults (nova/policies/)."""

from apps.common.policy import ADMIN, ANYBODY, PROJECT_MANAGER, PROJECT_MEMBER, PROJECT_READER
from apps.compute import actions

_READ = (
    "servers:index servers:detail servers:show server-metadata:index server-metadata:show "
    "os-instance-actions:list os-instance-actions:show os-attach-interfaces:list os-attach-interfaces:show "
    "os-security-groups:get os-security-groups:show os-security-groups:list os-networks:list os-networks:show "
    "os-tenant-networks:list os-tenant-networks:show os-floating-ips:list os-floating-ips:show "
    "os-volumes-attachments:index os-volumes-attachments:show os-server-password:show os-server-tags:index "
    "os-server-tags:show limits os-simple-tenant-usage:show ips:index ips:show os-server-groups:index "
    "os-server-groups:show os-volumes:list os-volumes:detail os-volumes:show os-volumes:snapshots:list "
    "os-volumes:snapshots:detail os-volumes:snapshots:show os-server-shares:index os-server-shares:show"
)
_WRITE = (
    "os-security-groups:create os-security-groups:update os-security-groups:delete os-security-groups:rule:create "
    "os-security-groups:rule:delete os-server-password:clear os-floating-ips:create os-floating-ips:delete "
    "servers:create_image:allow_volume_backed "
    "servers:create servers:create:attach_network servers:create:trusted_certs servers:rebuild:trusted_certs "
    "servers:update os-remote-consoles "
    "os-server-shares:create os-server-shares:delete "
    "server-metadata:create "
    "server-metadata:update server-metadata:update_all server-metadata:delete os-server-tags:update "
    "os-server-tags:update_all os-server-tags:delete os-server-tags:delete_all "
    "os-server-groups:create os-server-groups:delete os-volumes-attachments:update "
    "os-volumes:create os-volumes:delete os-volumes:snapshots:create os-volumes:snapshots:delete"
)
_ADMIN = (
    "os-instance-usage-audit-log:list os-instance-usage-audit-log:show os-hosts:list os-hosts:show "
    "os-baremetal-nodes:list os-baremetal-nodes:show "
    "os-hosts:update os-hosts:reboot os-hosts:shutdown os-hosts:start os-migrations:index:all_projects "
    "os-migrations:index:host servers:migrations:index:host servers:migrations:show os-migrate-server:migrate:host "
    "os-migrate-server:migrate_live:host servers:index:get_all_tenants servers:allow_all_filters "
    "servers:detail:get_all_tenants servers:create:forced_host "
    "os-extended-server-attributes os-instance-actions:events os-instance-actions:events:details "
    "os-lock-server:unlock:unlock_override os-flavor-manage:create os-flavor-manage:update "
    "os-flavor-manage:delete os-flavor-access os-flavor-access:add_tenant_access "
    "os-flavor-access:remove_tenant_access os-flavor-extra-specs:create os-flavor-extra-specs:update "
    "os-flavor-extra-specs:delete os-quota-sets:update os-quota-sets:delete os-quota-class-sets:show "
    "os-quota-class-sets:update limits:other_project os-availability-zone:detail os-hypervisors:list "
    "os-hypervisors:list-detail os-hypervisors:show os-hypervisors:statistics os-hypervisors:search "
    "os-hypervisors:servers os-hypervisors:uptime os-services:list os-services:update os-services:delete "
    "os-aggregates:index os-aggregates:create os-aggregates:show os-aggregates:update os-aggregates:delete "
    "os-aggregates:add_host os-aggregates:remove_host os-aggregates:set_metadata "
    "os-simple-tenant-usage:list "
    "os-console-auth-tokens "
    "servers:show:host_status servers:show:host_status:unknown-only os-server-groups:index:all_projects "
    "os-shelve:unshelve_to_host os-server-external-events:create os-server-diagnostics os-volumes-attachments:swap "
    "os-assisted-volume-snapshots:create os-assisted-volume-snapshots:delete"
)
_MANAGER = "os-migrations:index servers:migrations:index servers:migrations:delete servers:migrations:force_complete"
_ANYBODY = (
    "os-flavor-extra-specs:index os-flavor-extra-specs:show os-availability-zone:list os-quota-sets:defaults "
    "extensions flavors os-floating-ip-pools"
)
_USER = "rule:context_is_admin or user_id:%(user_id)s"

RULES: dict[str, str] = {
    **{row.policy: row.who for row in actions.ACTIONS.values()},
    **{f"os_compute_api:{name}": PROJECT_READER for name in _READ.split()},
    **{f"os_compute_api:{name}": PROJECT_MEMBER for name in _WRITE.split()},
    **{f"os_compute_api:{name}": PROJECT_MANAGER for name in _MANAGER.split()},
    **{f"os_compute_api:{name}": ADMIN for name in _ADMIN.split()},
    **{f"os_compute_api:{name}": ANYBODY for name in _ANYBODY.split()},
    **{f"os_compute_api:os-keypairs:{name}": _USER for name in ("index", "show", "create", "delete")},
    "compute:server:topology:index": PROJECT_READER,  # Nova's names for these
    "compute:server:topology:host:index": ADMIN,
    "compute:servers:create:requested_destination": ADMIN,
    "compute:aggregates:images": ADMIN,
    "network:attach_external_network": ADMIN,  # Nova's name for it
    "os_compute_api:os-quota-sets:show": PROJECT_READER,
    "os_compute_api:os-quota-sets:detail": PROJECT_READER,
}
# Rule -> the one that was checked before: an operator's text of that still holds, as with Nova's deprecated rules.
FORMER = {
    "compute:servers:create:requested_destination": "os_compute_api:servers:create:requested_destination",
    "compute:aggregates:images": "os_compute_api:os-aggregates:images",
    "os_compute_api:os-migrations:index:all_projects": "os_compute_api:os-migrations:index",
    "os_compute_api:os-migrations:index:host": "os_compute_api:os-migrations:index",
    "os_compute_api:servers:migrations:index:host": "os_compute_api:servers:migrations:index",
    "os_compute_api:os-migrate-server:migrate_live:host": "os_compute_api:os-migrate-server:migrate_live",
}
