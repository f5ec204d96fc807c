"""What compute refuses."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class ServerNotFound(NotFound):
    template = "Instance {server} could not be found."


class FlavorNotFound(NotFound):
    template = "Flavor {flavor} could not be found."


class KeyPairNotFound(NotFound):
    template = "Keypair {name} not found for user {user}"


class KeyPairExists(Conflict):
    template = "Key pair '{name}' already exists."


class WrongState(Conflict):
    """409 naming the state (nova/exception.py, InstanceInvalidState)."""

    template = "Cannot '{action}' instance {server} while it is in {attribute} {state}"


class ServerLocked(Conflict):
    template = "Instance {server} is locked"


class ImageUnusable(BadRequest):
    pass
