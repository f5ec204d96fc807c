"""Refusals about network agents and availability zones."""

from apps.common.exceptions import BadRequest, NotFound


class AgentNotFound(NotFound):
    kind = "AgentNotFound"
    template = "Agent {id} could not be found."


class AgentRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad agent request: {reason}."


class ZoneNotFound(NotFound):
    kind = "AvailabilityZoneNotFound"
    template = "AvailabilityZone {zone} could not be found."
