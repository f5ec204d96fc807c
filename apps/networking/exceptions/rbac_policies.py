"""Refusals about RBAC policies."""

from apps.common.exceptions import Conflict, NotFound


class RbacPolicyNotFound(NotFound):
    kind = "RbacPolicyNotFound"
    template = "RBAC policy of type unknown with ID {id} not found"


class RbacPolicyExists(Conflict):
    kind = "DuplicateRbacPolicy"
    template = "An RBAC policy already exists with those values."


class RbacPolicyInUse(Conflict):
    kind = "RbacPolicyInUse"
    template = (
        "RBAC policy on object {object_id} cannot be removed because other objects depend on it. Details: {details}"
    )
