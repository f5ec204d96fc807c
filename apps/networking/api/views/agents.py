"""Network agents, for administrators."""

import uuid
from typing import Any

from apps.common import policy
from apps.common.api import collections, queries
from apps.common.api.collections import Page
from apps.common.api.documents import only
from apps.networking.api.documents import agents as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import agents as serializers
from apps.networking.api.views.base import Item, Noun
from apps.networking.exceptions import AgentNotFound, UnknownMarker
from apps.networking.selectors import agents as selectors
from apps.networking.services import agents

_FILTERS = ("id", "agent_type", "binary", "host", "alive", "description", "availability_zone")


class _Agents(Noun):
    noun, plural = "agent", "agents"
    not_found = AgentNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class Agents(_Agents, collections.Collection):
    """List. Who is no administrator sees none, as in Neutron."""

    listing = None

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody may ask; see ``rows``."""

    def rows(self) -> list[selectors.Agent]:
        if not policy.allowed(self.caller, "get_agent"):
            return []
        params = queries.plain(self.request.query_params)
        wanted = {name: params[name] for name in _FILTERS if name in params}
        if "admin_state_up" in params and not any(LISTING.style.boolean(*pair) for pair in _states(params)):
            return []
        return selectors.matching(wanted)

    def page(self) -> Page:
        params, rows = self.request.query_params, self.rows()
        limit, _ = LISTING.limit(params)
        if marker := params.get("marker"):
            places = [place for place, row in enumerate(rows) if str(row.id) == marker]
            if not places:
                raise UnknownMarker(id=marker[:64])
            rows = rows[places[0] + 1 :]
        return Page(rows=rows[:limit], more=len(rows) > limit)

    def envelope(self, page: Page) -> dict[str, Any]:
        return {self.plural: [only(self.render(row), self.request.query_params) for row in page.rows]}


def _states(params: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(value, "admin_state_up") for value in params["admin_state_up"]]


class AgentItem(_Agents, Item):
    """Show, describe; an agent goes with its host."""

    before_row = ("show", "update", "delete")
    hidden, revised = True, False
    request_serializers = {"put": serializers.AgentUpdate}
    examples = {"PUT": {"agent": {"description": "rack 4"}}}

    def load(self, key: uuid.UUID) -> selectors.Agent:
        return selectors.get(agent_id=key)

    def change(self, row: selectors.Agent, values: dict[str, Any]) -> selectors.Agent:
        return agents.update(agent=row, values=values)

    def remove(self, row: selectors.Agent) -> None:
        agents.delete(agent=row)
