"""The only permission class: somebody is signed in. What they may do is policy's business."""

from typing import Any

from rest_framework.permissions import BasePermission

from apps.common.exceptions import Unauthorized


class IsSignedIn(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        if request.auth is None:
            raise Unauthorized
        return True
