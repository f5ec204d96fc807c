"""What scheduling refuses."""

from apps.common.exceptions import CloudError, NotFound


class NoValidHost(CloudError):
    code = 500
    kind = "NoValidHost"
    template = "No valid host was found. {reason}"


class HostNotFound(NotFound):
    template = "Compute host {host} could not be found."
