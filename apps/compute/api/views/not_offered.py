"""Calls of Nova's that this cloud does not have: they say so, rather than that there is no such place."""

from typing import Any, ClassVar

from rest_framework.request import Request

from apps.common import policy
from apps.common.api import not_offered
from apps.common.api.views import Response
from apps.compute.api.views.base import ComputeView
from apps.compute.exceptions import BareMetalElsewhere, RemovedFromNova


class NotOfferedView(not_offered.NotOfferedView, ComputeView):
    """``versions`` is where Nova has the call; ``removed``: Nova has it no more either."""

    removed = False

    def refuse(self, request: Request, **parameters: Any) -> Response:
        """Say that the call is not offered. Raises NotFound (404), Gone (410)."""
        if self.removed:
            raise RemovedFromNova(what=self.what[:1].upper() + self.what[1:])
        return super().refuse(request, **parameters)

    get = post = put = delete = refuse


class BareMetalView(NotOfferedView):
    """Nova's proxy for Ironic, which is not here. ``rule`` is what reading asks for; changes Nova refuses by itself."""

    what = "bare metal nodes"
    rule = ""
    COMMANDS: ClassVar[dict[str, str]] = {"add_interface": "port-create", "remove_interface": "port-delete"}

    def get(self, request: Request, **parameters: Any) -> Response:
        """Say that there are none. Raises PolicyForbidden (403), NotOffered (404)."""
        if self.rule:
            policy.check(self.caller, f"os_compute_api:os-baremetal-nodes:{self.rule}")
        return self.refuse(request, **parameters)

    def post(self, request: Request, **parameters: Any) -> Response:
        """Name the command of Ironic's. Raises BareMetalElsewhere (400)."""
        named = next(iter(request.data), "") if isinstance(request.data, dict) else ""
        raise BareMetalElsewhere(command=self.COMMANDS.get(named, "node-create"))

    def delete(self, request: Request, **parameters: Any) -> Response:
        """The same of a deletion."""
        raise BareMetalElsewhere(command="node-delete")
