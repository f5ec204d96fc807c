"""Who looks at an operator's page: put on the request by the site, asked by every page."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.common.context import RequestContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """``may_act``: an administrator; others only look. Services get ``context`` as they would from a token."""

    context: RequestContext
    may_act: bool


def operator_of(request: HttpRequest) -> Operator | None:
    """Return who looks; None before the site has asked who it is, and for members of projects."""
    return getattr(request, "operator", None)


def may_act(request: HttpRequest) -> bool:
    operator = operator_of(request)
    return operator is not None and operator.may_act


def acting(request: HttpRequest) -> Operator:
    """Return who acts. Raises PermissionDenied (403) for those who only look."""
    operator = operator_of(request)
    if operator is None or not operator.may_act:
        raise PermissionDenied
    return operator
