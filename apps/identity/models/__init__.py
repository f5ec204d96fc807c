"""Rows of identity."""

from apps.identity.models.application_credentials import AccessRule, ApplicationCredential
from apps.identity.models.credentials import Credential, UsedSignature
from apps.identity.models.domain_options import DomainOption
from apps.identity.models.domains import Domain
from apps.identity.models.endpoint_groups import EndpointGroup, ProjectEndpoint
from apps.identity.models.endpoints import Endpoint
from apps.identity.models.groups import Group, GroupMembership
from apps.identity.models.limits import Limit, RegisteredLimit
from apps.identity.models.policies import Policy
from apps.identity.models.policy_associations import PolicyAssociation
from apps.identity.models.projects import Project
from apps.identity.models.regions import Region
from apps.identity.models.revocations import Revocation
from apps.identity.models.role_assignments import RoleAssignment
from apps.identity.models.roles import ImpliedRole, Role
from apps.identity.models.services import Service
from apps.identity.models.sign_ins import AddressSlot, FormerPassword, KnownAddress
from apps.identity.models.trusts import Trust
from apps.identity.models.users import User

__all__ = [
    "AccessRule",
    "AddressSlot",
    "ApplicationCredential",
    "Credential",
    "Domain",
    "DomainOption",
    "Endpoint",
    "EndpointGroup",
    "FormerPassword",
    "Group",
    "GroupMembership",
    "ImpliedRole",
    "KnownAddress",
    "Limit",
    "Policy",
    "PolicyAssociation",
    "Project",
    "ProjectEndpoint",
    "Region",
    "RegisteredLimit",
    "Revocation",
    "Role",
    "RoleAssignment",
    "Service",
    "Trust",
    "UsedSignature",
    "User",
]
