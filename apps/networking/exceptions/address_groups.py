"""Refusals about address groups."""

from apps.common.exceptions import BadRequest, Conflict, NotFound


class AddressGroupNotFound(NotFound):
    kind = "AddressGroupNotFound"
    template = "Address group {id} could not be found."


class AddressGroupInUse(Conflict):
    kind = "AddressGroupInUse"
    template = "Address group {id} is in use on one or more security group rules."


class AddressesNotFound(NotFound):
    kind = "AddressesNotFound"
    template = "Addresses {addresses} not found in the address group {id}."


class AddressesExist(BadRequest):
    kind = "AddressesAlreadyExist"
    template = "Addresses {addresses} already exist in the address group {id}."
