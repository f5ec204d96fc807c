"""Refusals about security groups and their rules."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


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


class InvalidRule(BadRequest):
    kind = "SecurityGroupRuleInvalid"
