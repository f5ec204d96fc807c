"""Calls of Nova's that this cloud does not have: they say so, rather than that there is no such place."""

from typing import Any

from rest_framework.request import Request

from apps.common.api import not_offered
from apps.common.api.views import Response
from apps.compute.api.views.base import ComputeView
from apps.compute.exceptions import RemovedFromNova


class NotOfferedView(not_offered.NotOfferedView, ComputeView):
    """``versions`` is where Nova has the call; ``removed``: Nova has it no more either."""

    removed = False

    def refuse(self, request: Request, **parameters: Any) -> Response:
        """Say that the call is not offered. Raises NotFound (404), Gone (410)."""
        if self.removed:
            raise RemovedFromNova(what=self.what[:1].upper() + self.what[1:])
        return super().refuse(request, **parameters)

    get = post = put = delete = refuse
