"""Who may do what in identity: Keystone's rule names, with its secure defaults."""

_SELF = "user_id:%(target.user.id)s"
_SUBJECT = "user_id:%(target.token.user_id)s"
_SERVICE_OR_SUBJECT = f"rule:admin_required or role:service or {_SUBJECT}"

RULES = {
    "identity:validate_token": f"{_SERVICE_OR_SUBJECT} or (role:reader and system_scope:all)",
    "identity:check_token": f"{_SERVICE_OR_SUBJECT} or (role:reader and system_scope:all)",
    "identity:revoke_token": f"rule:admin_required or {_SUBJECT}",
}
