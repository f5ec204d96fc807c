"""Refusals about the cloud's properties, which operators meet."""

from apps.common.exceptions import BadRequest, Conflict


class UnknownOffloads(BadRequest):
    template = "The mode of offloads is {modes}, not {mode!r}."


class OffloadsNeedOneHost(Conflict):
    template = (
        "This cloud has {count} hosts. In single-host mode, user-space tunnels of an Open vSwitch before 3.5 drop TCP "
        "between them."
    )
