"""Refusals about trunks."""

from apps.common.exceptions import Conflict, NotFound


class TrunkNotFound(NotFound):
    kind = "TrunkNotFound"
    template = "Trunk {id} could not be found."


class SubPortNotFound(NotFound):
    kind = "SubPortNotFound"
    template = "SubPort {port_id} on trunk {id} could not be found."


class TrunkPortInUse(Conflict):
    kind = "TrunkPortInUse"
    template = "Port {port_id} is in use by another trunk."


class ParentPortInUse(Conflict):
    kind = "ParentPortInUse"
    template = "Port {port_id} is currently in use and is not eligible for use as a parent port."


class DuplicateSubPort(Conflict):
    kind = "DuplicateSubPort"
    template = (
        "segmentation_type {segmentation_type} and segmentation_id {segmentation_id} already in use on trunk {id}."
    )


class SubPortMtuTooLarge(Conflict):
    kind = "SubPortMtuGreaterThanTrunkPortMtu"
    template = "MTU {mtu} of subport {port_id} cannot be greater than MTU {trunk_mtu} of trunk {id}."


class PortInUseAsTrunkParent(Conflict):
    kind = "PortInUseAsTrunkParent"
    template = "Port {port_id} is currently a parent port for trunk {id}."


class PortInUseAsSubPort(Conflict):
    kind = "PortInUseAsSubPort"
    template = "Port {port_id} is currently a subport for trunk {id}."


class TrunkDisabled(Conflict):
    kind = "TrunkDisabled"
    template = "Trunk {id} is currently disabled."
