"""The only permission class: somebody is signed in. Policy decides what they may do."""

from typing import Any

from rest_framework.permissions import BasePermission


class IsSignedIn(BasePermission):
    """Answers, and raises nothing: the browsable page asks it which forms to show."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.auth is not None
