"""Who may do what in identity: Keystone's rule names, with its secure defaults.

Readers of the system and of a domain look, managers of a domain run what is in it, administrators everything. Ordinary
users see themselves and their project.
"""

_ADMIN = "rule:admin_required"
_READER = f"{_ADMIN} or (role:reader and system_scope:all)"


def _domain_reader(attribute: str) -> str:
    return f"{_READER} or (role:reader and domain_id:%({attribute})s)"


def _domain_manager(attribute: str) -> str:
    return f"{_ADMIN} or (role:manager and domain_id:%({attribute})s)"


_SELF = "user_id:%(target.user.id)s"
_SUBJECT = "user_id:%(target.token.user_id)s"
# A manager of the domain in which administrators live must not become one by setting their password.
_USER_MANAGER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.user.domain_id)s and False:%(target.user.is_superuser)s)"
)
_PROJECT_READER = f"{_domain_reader('target.project.domain_id')} or project_id:%(target.project.id)s"
_PROJECT_MANAGER = _domain_manager("target.project.domain_id")
# Managers hand out only what they have themselves or less, in their own domain, to actors of that domain.
_GRANTABLE = "('manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s)"
_GRANT_WRITER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.scope.domain_id)s and domain_id:%(target.actor.domain_id)s"
    f" and {_GRANTABLE})"
)
_GRANT_READER = f"{_READER} or (role:reader and domain_id:%(target.scope.domain_id)s)"

_TOKENS = {
    "identity:validate_token": f"{_READER} or role:service or {_SUBJECT}",
    "identity:check_token": f"{_READER} or role:service or {_SUBJECT}",
    "identity:revoke_token": f"{_ADMIN} or {_SUBJECT}",
    "identity:get_auth_catalog": "",
    "identity:get_auth_projects": "",
    "identity:get_auth_domains": "",
    "identity:get_auth_system": "",
}
_CATALOG = {
    "identity:list_regions": "",
    "identity:get_region": "",
    "identity:create_region": _ADMIN,
    "identity:update_region": _ADMIN,
    "identity:delete_region": _ADMIN,
    "identity:list_services": _READER,
    "identity:get_service": _READER,
    "identity:create_service": _ADMIN,
    "identity:update_service": _ADMIN,
    "identity:delete_service": _ADMIN,
    "identity:list_endpoints": _READER,
    "identity:get_endpoint": _READER,
    "identity:create_endpoint": _ADMIN,
    "identity:update_endpoint": _ADMIN,
    "identity:delete_endpoint": _ADMIN,
}
_RESOURCES = {
    "identity:list_domains": _domain_reader("target.domain.id"),
    "identity:get_domain": (f"{_READER} or domain_id:%(target.domain.id)s or project_domain_id:%(target.domain.id)s"),
    "identity:create_domain": _ADMIN,
    "identity:update_domain": _ADMIN,
    "identity:delete_domain": _ADMIN,
    "identity:list_projects": _domain_reader("target.domain_id"),
    "identity:list_user_projects": f"{_domain_reader('target.user.domain_id')} or {_SELF}",
    "identity:get_project": _PROJECT_READER,
    "identity:create_project": _PROJECT_MANAGER,
    "identity:update_project": _PROJECT_MANAGER,
    "identity:delete_project": _PROJECT_MANAGER,
    "identity:list_project_tags": _PROJECT_READER,
    "identity:get_project_tag": _PROJECT_READER,
    "identity:create_project_tag": _PROJECT_MANAGER,
    "identity:update_project_tags": _PROJECT_MANAGER,
    "identity:delete_project_tag": _PROJECT_MANAGER,
    "identity:delete_project_tags": _PROJECT_MANAGER,
}
_ACTORS = {
    "identity:list_users": _domain_reader("target.domain_id"),
    "identity:get_user": f"{_domain_reader('target.user.domain_id')} or {_SELF}",
    "identity:create_user": _USER_MANAGER,
    "identity:update_user": _USER_MANAGER,
    "identity:delete_user": _USER_MANAGER,
    "identity:list_groups": _domain_reader("target.domain_id"),
    "identity:list_groups_for_user": f"{_domain_reader('target.user.domain_id')} or {_SELF}",
    "identity:get_group": _domain_reader("target.group.domain_id"),
    "identity:create_group": _domain_manager("target.group.domain_id"),
    "identity:update_group": _domain_manager("target.group.domain_id"),
    "identity:delete_group": _domain_manager("target.group.domain_id"),
    "identity:list_users_in_group": _domain_reader("target.group.domain_id"),
    "identity:check_user_in_group": f"{_domain_reader('target.group.domain_id')} or {_SELF}",
    "identity:add_user_to_group": (
        f"{_ADMIN} or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
    ),
    "identity:remove_user_from_group": _domain_manager("target.group.domain_id"),
}
_ROLES = {
    "identity:list_roles": f"{_READER} or role:manager",
    "identity:get_role": f"{_READER} or role:manager",
    "identity:create_role": _ADMIN,
    "identity:update_role": _ADMIN,
    "identity:delete_role": _ADMIN,
    "identity:list_domain_roles": f"{_READER} or (role:reader and domain_id:%(target.role.domain_id)s)",
    "identity:get_domain_role": f"{_READER} or (role:reader and domain_id:%(target.role.domain_id)s)",
    "identity:create_domain_role": _ADMIN,
    "identity:update_domain_role": _ADMIN,
    "identity:delete_domain_role": _ADMIN,
    "identity:list_role_inference_rules": _READER,
    "identity:list_implied_roles": _READER,
    "identity:get_implied_role": _READER,
    "identity:check_implied_role": _READER,
    "identity:create_implied_role": _ADMIN,
    "identity:delete_implied_role": _ADMIN,
}
_GRANTS = {
    "identity:list_grants": _GRANT_READER,
    "identity:check_grant": _GRANT_READER,
    "identity:create_grant": _GRANT_WRITER,
    "identity:revoke_grant": _GRANT_WRITER,
    **{f"identity:list_system_grants_for_{actor}": _READER for actor in ("user", "group")},
    **{f"identity:check_system_grant_for_{actor}": _READER for actor in ("user", "group")},
    **{f"identity:create_system_grant_for_{actor}": _ADMIN for actor in ("user", "group")},
    **{f"identity:revoke_system_grant_for_{actor}": _ADMIN for actor in ("user", "group")},
    "identity:list_role_assignments": _domain_reader("target.domain_id"),
    "identity:list_role_assignments_for_tree": _domain_reader("target.project.domain_id"),
}

RULES: dict[str, str] = {**_TOKENS, **_CATALOG, **_RESOURCES, **_ACTORS, **_ROLES, **_GRANTS}
