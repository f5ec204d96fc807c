"""Refusals of scheduling.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, CloudError, Conflict, NotFound


class NoValidHost(CloudError):
    code = 500
    kind = "NoValidHost"
    template = "No valid host was found. {reason}"


class HostNotFound(NotFound):
    template = "Compute host {host} could not be found."


class HostNameInvalid(BadRequest):
    template = "'{host}' cannot be the name of a host: names that end in '{ending}' are kept for queues."


class HostNotDead(Conflict):
    template = "Host {host} is not forced down. Switch the machine off, and force it down: else its servers run twice."


class DedicatedCpusHeld(Conflict):
    template = (
        "Servers on host {host} have its processors {cpus} for themselves: keep them in CELERITY_CPU_DEDICATED_SET, or "
        "move those servers to other hosts first."
    )


class AggregateNotFound(NotFound):
    template = "Aggregate {aggregate} could not be found."


class AggregateHostNotFound(NotFound):
    template = "Cannot remove host {host} in aggregate {aggregate}"


class AggregateNameExists(Conflict):
    template = "Aggregate {name} already exists."


class AggregateHostExists(Conflict):
    template = "Aggregate {aggregate} already has host {host}."


class AggregateUpdateRefused(BadRequest):
    """400 as in Nova, where one would think of 409."""

    template = "Cannot update aggregate {aggregate}. Reason: {reason}."


class AggregateNotEmpty(BadRequest):
    template = "Cannot remove aggregate {aggregate}. Reason: Host aggregate is not empty."


class AggregateHostRefused(Conflict):
    template = "Cannot {action} host {host} in aggregate {aggregate}. Reason: {reason}."


class CapacityInvalid(BadRequest):
    template = "{name} {value} is out of range: {range}."


class TraitInvalid(BadRequest):
    template = "'{trait}' is not a valid operator's trait: use CUSTOM_ and letters A-Z, digits and _, at most 255."
