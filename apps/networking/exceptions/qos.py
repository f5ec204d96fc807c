"""Refusals about QoS policies and rules."""

from apps.common.exceptions import Conflict, Forbidden, NotFound


class QosPolicyNotFound(NotFound):
    kind = "QosPolicyNotFound"
    template = "QoS policy {id} could not be found."


class QosRuleNotFound(NotFound):
    kind = "QosRuleNotFound"
    template = "QoS rule {id} for policy {policy_id} could not be found."


class QosRuleTypeNotFound(NotFound):
    kind = "QosRuleTypeNotFound"
    template = "QoS rule type {id} could not be found."


class DefaultQosPolicyExists(Conflict):
    kind = "QoSPolicyDefaultAlreadyExists"
    template = "A default QoS policy exists for project {project_id}."


class QosPolicyInUse(Conflict):
    kind = "QosPolicyInUse"
    template = "QoS Policy {id} is used by {noun} {user_id}."


class QosRulesConflict(Conflict):
    kind = "QoSRulesConflict"
    template = "Rule {kind_of_rule} conflicts with rule {id} which already exists in QoS Policy {policy_id}."


class QosPolicyNotYours(Forbidden):
    kind = "PolicyRemoveAuthorizationError"
    template = "Failed to remove provided policy {id} because you are not authorized."
