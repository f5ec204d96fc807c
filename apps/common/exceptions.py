"""The error type of every app: an HTTP code, OpenStack's fault key and a sentence for the user.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
tests/architecture/frozen_texts.txt lists those of all applications.
"""

from typing import Any

# Nova's fault keys by status (nova/api/openstack/wsgi.py, class Fault).
FAULT_KEYS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "notAcceptable",
    409: "conflictingRequest",
    410: "gone",
    412: "preconditionFailed",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


class CloudError(Exception):
    """A refusal with a reason that the caller may read.

    ``code`` is the HTTP status. ``kind`` is the error's name in services that show it (Neutron's ``type``).
    ``template`` is formatted with the keyword arguments given to the constructor.
    """

    code = 500
    kind = "CloudError"
    template = "The request could not be carried out."

    def __init__(self, message: str | None = None, **values: Any) -> None:
        self.values = values
        self.message = message if message is not None else self.template.format(**values)
        super().__init__(self.message)

    @property
    def fault_key(self) -> str:
        return FAULT_KEYS.get(self.code, "computeFault")


class BadRequest(CloudError):
    code = 400
    kind = "BadRequest"


class Invalid(BadRequest):
    """A value is not acceptable; ``field`` names it."""

    kind = "InvalidInput"
    template = "Invalid input for field/attribute {field}: {reason}"


class Unauthorized(CloudError):
    code = 401
    kind = "Unauthorized"
    template = "The request you have made requires authentication."


class Forbidden(CloudError):
    code = 403
    kind = "Forbidden"
    template = "You are not allowed to do this."


class PolicyForbidden(Forbidden):
    kind = "PolicyNotAuthorized"
    template = "Policy doesn't allow {rule} to be performed."


class NotFound(CloudError):
    code = 404
    kind = "NotFound"
    template = "The resource could not be found."


class NotOffered(NotFound):
    """404 for a call of OpenStack's that this cloud does not have."""

    kind = "HTTPNotFound"
    template = "This cloud does not offer {what}."


class MethodNotAllowed(CloudError):
    code = 405
    kind = "MethodNotAllowed"
    template = "The method is not allowed here."


class NotAcceptable(CloudError):
    code = 406
    kind = "NotAcceptable"


class Conflict(CloudError):
    code = 409
    kind = "Conflict"


class Gone(CloudError):
    code = 410
    kind = "Gone"


class TooLarge(CloudError):
    code = 413
    kind = "RequestEntityTooLarge"


class UnsupportedMediaType(CloudError):
    code = 415
    kind = "UnsupportedMediaType"


class NotImplementedHere(CloudError):
    """501, where Nova answers it, too."""

    code = 501
    kind = "HTTPNotImplemented"
    template = "The requested functionality is not supported."


class Unavailable(CloudError):
    code = 503
    kind = "ServiceUnavailable"
    template = "The service is not available for the moment; try again."
