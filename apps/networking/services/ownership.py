"""Which project a new resource belongs to."""

from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking import exceptions


def of(*, context: RequestContext, rule: str, values: dict[str, Any]) -> str:
    """Return the owner that a request asks for (``project_id`` or ``tenant_id``), else the caller's project.

    Raises PolicyForbidden (403) when ``rule`` does not let the caller act for that project.
    """
    project_id = values.get("project_id") or values.get("tenant_id") or context.project_id
    if not project_id:
        raise exceptions.InvalidInput(reason="the token has no project and the request names none")
    policy.check(context, rule, {"project_id": project_id, "user_id": context.user_id})
    return str(project_id)
