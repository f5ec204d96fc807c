"""Segments, to read: each network is one, made and deleted with it."""

import uuid
from typing import Any, NoReturn

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.exceptions import NotOffered
from apps.networking.api import filters
from apps.networking.api.documents import segments as documents
from apps.networking.api.views.base import Collection, Noun, ReadOnlyItem
from apps.networking.exceptions import SegmentNotFound
from apps.networking.models import Network
from apps.networking.selectors import segments as selectors

_WHAT = "changes of segments: a network has one, which is made and deleted with the network"


class _Segments(Noun):
    noun, plural, collection = "segment", "segments", "segments"
    not_found = SegmentNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Segments(_Segments, Collection):
    """List. Who is no administrator sees none, as in Neutron."""

    filters = filters.SEGMENTS

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody may ask; see ``visible``."""

    def visible(self) -> QuerySet[Any]:
        rows = selectors.visible(context=self.caller)
        return rows if policy.allowed(self.caller, "get_segment") else rows.none()

    def post(self, request: Request, **ids: str) -> NoReturn:
        policy.check(self.caller, "create_segment")
        raise NotOffered(what=_WHAT)


class SegmentItem(_Segments, ReadOnlyItem):
    """Show."""

    hidden = True

    def load(self, key: uuid.UUID) -> Network:
        return selectors.get(context=self.caller, segment_id=key)

    def put(self, request: Request, item_id: str) -> NoReturn:
        policy.check(self.caller, "update_segment")
        raise NotOffered(what=_WHAT)

    def delete(self, request: Request, item_id: str) -> NoReturn:
        policy.check(self.caller, "delete_segment")
        raise NotOffered(what=_WHAT)
