"""Refusals that any resource of the network service may meet."""

from apps.common.exceptions import BadRequest, CloudError, Conflict, NotFound


class ProjectNotFound(NotFound):
    kind = "ProjectNotFound"
    template = "Project {id} could not be found."


class ExtensionNotFound(NotFound):
    kind = "ExtensionNotFound"
    template = "Extension with alias {id} does not exist"


class TagNotFound(NotFound):
    kind = "TagNotFound"
    template = "Tag {tag} could not be found."


class UnknownMarker(NotFound):
    kind = "InvalidMarker"
    template = "The marker {id} could not be found."


class InvalidInput(BadRequest):
    kind = "InvalidInput"
    template = "Invalid input for operation: {reason}."


class RevisionChanged(CloudError):
    code = 412
    kind = "RevisionNumberConstraintFailed"
    template = "Constrained to {expected}, but current revision is {actual}"


class OverQuota(Conflict):
    kind = "OverQuota"
    template = "Quota exceeded for resources: ['{resource}']."
