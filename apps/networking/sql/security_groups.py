"""A project's default security group."""

from apps.common.sql.planned import Statement

DEFAULT = Statement(
    "networking_default_group",
    "SELECT id FROM networking_securitygroup WHERE project_id = %(project)s AND name = 'default'",
    {"project": "text"},
)
