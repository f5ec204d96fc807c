"""Policy rules of identity: Keystone's rule names, with its secure defaults.

Readers of the system and of a domain can view, managers of a domain can change its content, administrators can change
everything. Ordinary users see themselves and their project.
"""

_ADMIN = "rule:admin_required"
_SYSTEM_READER = "(role:reader and system_scope:all)"
_READER = f"{_ADMIN} or {_SYSTEM_READER}"
# Nova's rule of this name compares the project; Keystone's compares the user.
WORDS = {"admin_or_owner": "rule:admin_required or rule:owner"}


def _domain_reader(attribute: str) -> str:
    return f"{_READER} or (role:reader and domain_id:%({attribute})s)"


def _domain_manager(attribute: str) -> str:
    return f"{_ADMIN} or (role:manager and domain_id:%({attribute})s)"


_SELF = "user_id:%(target.user.id)s"
_SUBJECT = "user_id:%(target.token.user_id)s"
# A manager of the domain in which administrators live, or managers of other domains, must not become one by setting
# their password, nor by joining a group of theirs, nor cut them off. Keystone's rules do not look.
_USER_MANAGER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.user.domain_id)s and False:%(target.user.is_privileged)s)"
)
_GROUP_MANAGER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.group.domain_id)s and False:%(target.group.is_privileged)s)"
)
_MEMBERSHIP_MANAGER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s"
    " and False:%(target.group.is_privileged)s)"
)
_PROJECT_READER = f"{_domain_reader('target.project.domain_id')} or project_id:%(target.project.id)s"
_PROJECT_MANAGER = _domain_manager("target.project.domain_id")
# Managers hand out only what they have themselves or less, in their own domain, to actors of that domain. A domain's
# own role may imply anything, whatever it is called.
_GRANTABLE = "None:%(target.role.domain_id)s and rule:domain_managed_target_role"
_GRANT_WRITER = (
    f"{_ADMIN} or (role:manager and domain_id:%(target.scope.domain_id)s and domain_id:%(target.actor.domain_id)s"
    f" and {_GRANTABLE})"
)
_GRANT_IN_DOMAIN = "role:reader and domain_id:%(target.scope.domain_id)s and domain_id:%(target.actor.domain_id)s"
_GRANT_READER = f"{_READER} or ({_GRANT_IN_DOMAIN})"
_GRANT_CHECKER = (
    f"{_READER} or ({_GRANT_IN_DOMAIN} and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))"
)

_TOKENS = {
    "identity:validate_token": f"{_READER} or role:service or {_SUBJECT}",
    "identity:check_token": f"{_READER} or {_SUBJECT}",
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
_ENDPOINT_GROUPS = {
    "identity:list_endpoint_groups": _READER,
    "identity:get_endpoint_group": _READER,
    "identity:create_endpoint_group": _ADMIN,
    "identity:update_endpoint_group": _ADMIN,
    "identity:delete_endpoint_group": _ADMIN,
    "identity:list_projects_associated_with_endpoint_group": _READER,
    "identity:list_endpoints_associated_with_endpoint_group": _READER,
    "identity:get_endpoint_group_in_project": _READER,
    "identity:list_endpoint_groups_for_project": _READER,
    "identity:add_endpoint_group_to_project": _ADMIN,
    "identity:remove_endpoint_group_from_project": _ADMIN,
    "identity:list_projects_for_endpoint": _READER,
    "identity:list_endpoints_for_project": _READER,
    "identity:check_endpoint_in_project": _READER,
    "identity:add_endpoint_to_project": _ADMIN,
    "identity:remove_endpoint_from_project": _ADMIN,
}
_CONFIGURATION = {
    "identity:get_domain_config": _READER,
    "identity:get_domain_config_default": _READER,
    # Everyone can read the rules for passwords.
    "identity:get_security_compliance_domain_config": "",
    "identity:create_domain_config": _ADMIN,
    "identity:update_domain_config": _ADMIN,
    "identity:delete_domain_config": _ADMIN,
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
    "identity:update_group": _GROUP_MANAGER,
    "identity:delete_group": _GROUP_MANAGER,
    "identity:list_users_in_group": _domain_reader("target.group.domain_id"),
    "identity:check_user_in_group": (
        f"{_READER} or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
    ),
    "identity:add_user_to_group": _MEMBERSHIP_MANAGER,
    "identity:remove_user_from_group": _GROUP_MANAGER,
}
_ROLES = {
    # A manager of a domain: one of a project has no caller.domain_id.
    "identity:list_roles": f"{_READER} or (role:manager and domain_id:%(caller.domain_id)s)",
    "identity:get_role": f"{_READER} or role:manager",
    "identity:create_role": _ADMIN,
    "identity:update_role": _ADMIN,
    "identity:delete_role": _ADMIN,
    "identity:list_domain_roles": _READER,
    "identity:get_domain_role": _READER,
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
    "identity:check_grant": _GRANT_CHECKER,
    "identity:create_grant": _GRANT_WRITER,
    "identity:revoke_grant": _GRANT_WRITER,
    **{f"identity:list_system_grants_for_{actor}": _READER for actor in ("user", "group")},
    **{f"identity:check_system_grant_for_{actor}": _READER for actor in ("user", "group")},
    **{f"identity:create_system_grant_for_{actor}": _ADMIN for actor in ("user", "group")},
    **{f"identity:revoke_system_grant_for_{actor}": _ADMIN for actor in ("user", "group")},
    "identity:list_role_assignments": _domain_reader("target.domain_id"),
    "identity:list_role_assignments_for_tree": _domain_reader("target.project.domain_id"),
}

_OWN = f"{_ADMIN} or {_SELF}"
_OWN_READ = f"{_READER} or {_SELF}"
_CREDENTIAL = "user_id:%(target.credential.user_id)s"
_TRUSTOR, _TRUSTEE = "user_id:%(target.trust.trustor_user_id)s", "user_id:%(target.trust.trustee_user_id)s"
# These ask who the caller is, not which role it has: a user whose only role is a custom one owns its credentials too.
# services/delegation_rules.py decides what a delegated token may do (OSSA 2026-005).
_DELEGATION = {
    "identity:list_application_credentials": _OWN_READ,
    "identity:get_application_credential": _OWN_READ,
    "identity:create_application_credential": _SELF,
    "identity:delete_application_credential": _OWN,
    "identity:list_access_rules": f"{_SYSTEM_READER} or {_SELF}",
    "identity:get_access_rule": f"{_SYSTEM_READER} or {_SELF}",
    "identity:delete_access_rule": f"(role:admin and system_scope:all) or {_SELF}",
    "identity:list_credentials": f"{_READER} or {_CREDENTIAL}",
    "identity:list_credentials:any_user": _READER,
    "identity:get_credential": f"{_READER} or {_CREDENTIAL}",
    "identity:create_credential": f"{_ADMIN} or {_CREDENTIAL}",
    "identity:update_credential": f"{_ADMIN} or {_CREDENTIAL}",
    "identity:delete_credential": f"{_ADMIN} or {_CREDENTIAL}",
    "identity:ec2_list_credentials": _OWN_READ,
    "identity:ec2_get_credential": _OWN_READ,
    "identity:ec2_create_credential": _OWN,
    "identity:ec2_delete_credential": _OWN,
    # OSSA 2025-002: anonymous callers could exchange any signed URL for a token.
    "identity:ec2_validate_token": f"{_ADMIN} or role:service",
    "identity:list_trusts": _READER,
    "identity:list_trusts_for_trustor": f"{_READER} or {_TRUSTOR}",
    "identity:list_trusts_for_trustee": f"{_READER} or {_TRUSTEE}",
    "identity:get_trust": f"{_READER} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:list_roles_for_trust": f"{_READER} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:get_role_for_trust": f"{_READER} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:create_trust": _TRUSTOR,
    "identity:delete_trust": f"{_ADMIN} or {_TRUSTOR}",
}
_POLICY_TARGETS = ("endpoint", "service", "region_and_service")
_KEPT = {
    "identity:list_policies": _READER,
    "identity:get_policy": _READER,
    "identity:create_policy": _ADMIN,
    "identity:update_policy": _ADMIN,
    "identity:delete_policy": _ADMIN,
    "identity:get_policy_for_endpoint": _READER,
    "identity:list_endpoints_for_policy": _READER,
    **{f"identity:check_policy_association_for_{target}": _READER for target in _POLICY_TARGETS},
    **{f"identity:create_policy_association_for_{target}": _ADMIN for target in _POLICY_TARGETS},
    **{f"identity:delete_policy_association_for_{target}": _ADMIN for target in _POLICY_TARGETS},
    "identity:list_registered_limits": "",
    "identity:get_registered_limit": "",
    "identity:create_registered_limits": _ADMIN,
    "identity:update_registered_limit": _ADMIN,
    "identity:delete_registered_limit": _ADMIN,
    "identity:get_limit_model": "",
    "identity:list_limits": "",
    "identity:list_limits:any_owner": _READER,
    "identity:get_limit": (
        f"{_READER} or project_id:%(target.limit.project.id)s or domain_id:%(target.limit.domain.id)s"
        " or domain_id:%(target.limit.project.domain_id)s"
    ),
    "identity:create_limits": _ADMIN,
    "identity:update_limit": _ADMIN,
    "identity:delete_limit": _ADMIN,
}

RULES: dict[str, str] = {
    **_DELEGATION,
    **_KEPT,
    **_TOKENS,
    **_CATALOG,
    **_ENDPOINT_GROUPS,
    **_CONFIGURATION,
    **_RESOURCES,
    **_ACTORS,
    **_ROLES,
    **_GRANTS,
}
