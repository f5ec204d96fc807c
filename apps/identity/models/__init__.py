"""Rows of identity."""

from apps.identity.models.domains import Domain
from apps.identity.models.endpoints import Endpoint
from apps.identity.models.groups import Group, GroupMembership
from apps.identity.models.projects import Project
from apps.identity.models.regions import Region
from apps.identity.models.revocations import Revocation
from apps.identity.models.role_assignments import RoleAssignment
from apps.identity.models.roles import ImpliedRole, Role
from apps.identity.models.services import Service
from apps.identity.models.users import User

__all__ = [
    "Domain",
    "Endpoint",
    "Group",
    "GroupMembership",
    "ImpliedRole",
    "Project",
    "Region",
    "Revocation",
    "Role",
    "RoleAssignment",
    "Service",
    "User",
]
