"""Common parts of the views of identity v2.0: lists, with Nova's links."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from apps.common.api import collections
from apps.common.api.documents import next_link
from apps.identity.api.listing import LISTING
from apps.identity.api.views.base import IdentityView


class V2View(IdentityView):
    def listed(self, key: str, rows: QuerySet[Any], render: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the page of ``rows`` that ``limit`` and ``marker`` ask for, with a link to the next one."""
        page = collections.read(rows, self.request.query_params, LISTING)
        links = next_link(self.request, marker=page.rows[-1].pk) if page.more else []
        answer: dict[str, Any] = {key: [render(row) for row in page.rows], f"{key}_links": links}
        return {**answer, "truncated": True} if page.truncated else answer
