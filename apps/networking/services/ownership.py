"""Which project a new resource belongs to."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking import exceptions


def of(*, context: RequestContext, values: dict[str, Any]) -> str:
    """Return the owner that a request asks for (``project_id`` or ``tenant_id``), else the caller's project.

    Whether the caller may act for that project is checked by who calls services. Raises InvalidInput (400).
    """
    project_id = values.get("project_id") or values.get("tenant_id") or context.project_id
    if not project_id:
        raise exceptions.InvalidInput(reason="the token has no project and the request names none")
    return str(project_id)
