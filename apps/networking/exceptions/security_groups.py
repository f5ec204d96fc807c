"""Refusals about security groups and their rules."""

from apps.common.exceptions import BadRequest, Conflict, NotFound
from apps.networking.exceptions.base import OverQuota


class SecurityGroupNotFound(NotFound):
    kind = "SecurityGroupNotFound"
    template = "Security group {id} does not exist"


class SecurityGroupRuleNotFound(NotFound):
    kind = "SecurityGroupRuleNotFound"
    template = "Security group rule {id} does not exist"


class SecurityGroupInUse(Conflict):
    kind = "SecurityGroupInUse"
    template = "Security Group {id} in use."


class DefaultSecurityGroup(Conflict):
    kind = "SecurityGroupDefaultAlreadyExists"
    template = "Default security group already exists."


class CannotChangeDefault(Conflict):
    kind = "SecurityGroupCannotUpdateDefault"
    template = "Updating default security group not allowed."


class CannotRemoveDefault(Conflict):
    kind = "SecurityGroupCannotRemoveDefault"
    template = "Insufficient rights for removing default security group."


class RuleExists(Conflict):
    kind = "SecurityGroupRuleExists"
    template = "Security group rule already exists. Rule id is {id}."


class FlowsExceeded(OverQuota):
    """More flows than a host may have for a group."""

    template = (
        "Quota exceeded for resources: ['flows']. Security group {id} would have {rules} distinct rules on {ports} "
        "ports: {flows} flows, of {budget} that a host takes. Rules that differ in their range alone "
        "count once, as do rules that differ in a single port; or give the ports several groups."
    )


class InvalidRule(BadRequest):
    kind = "SecurityGroupRuleInvalid"
