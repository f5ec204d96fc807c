"""Refusals of identity, in Keystone's words.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common import exceptions


class Unauthorized(exceptions.Unauthorized):
    """One text for every cause: the answer never reveals whether a name, a password or a state was wrong."""


class NotFound(exceptions.NotFound):
    template = "Could not find {noun}: {id}."


class Duplicate(exceptions.Conflict):
    template = "Conflict occurred attempting to store {noun} - Duplicate entry found with {what}."


class Invalid(exceptions.Invalid):
    pass


class Forbidden(exceptions.Forbidden):
    pass


class Immutable(exceptions.Forbidden):
    template = "Cannot change or delete {noun} {id}: its option 'immutable' is set."


class BadConfig(exceptions.Forbidden):
    """Of a domain's own options. Keystone answers 403."""

    template = "Invalid domain specific configuration: {reason}."


class InUse(exceptions.Conflict):
    template = "Cannot delete {noun} {id}: it still owns {resources}."


class RuleInUse(exceptions.Forbidden):
    template = "Unable to delete access rule {id}: an application credential uses it."


class DomainEnabled(exceptions.Forbidden):
    template = "Cannot delete a domain that is enabled, please disable it first."


class TooManyFailures(exceptions.CloudError):
    """Failures of one address, for any user."""

    code = 429
    kind = "TooManyRequests"
    template = "Too many sign-ins from this address have failed. Try again in {seconds} seconds."


class NotOffered(exceptions.NotFound):
    template = "Celerity does not offer {what}."


class LimitReached(exceptions.Forbidden):
    template = "Unable to create another {noun}: at most {limit} are allowed."
