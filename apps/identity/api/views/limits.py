"""``/v3/registered_limits`` and ``/v3/limits``."""

from typing import Any

from django.db.models import QuerySet

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import limits as documents
from apps.identity.api.documents.base import envelope
from apps.identity.api.serializers import limits as serializers
from apps.identity.api.views.base import Collection, IdentityView, Item, Noun, Response
from apps.identity.models import Limit, RegisteredLimit
from apps.identity.selectors import limits as selectors
from apps.identity.services import limits

MAX_BATCH = 100
MODEL = {"name": "flat", "description": "Limits are of one project or domain each; none depends on another."}


class BatchView(Collection):
    """The base of both collections: a POST holds a list."""

    def parse_list(self, request: Any) -> list[dict[str, Any]]:
        """Return the validated values of each entry. Raises BadRequest (400)."""
        key = self.plural
        data = request.data.get(key) if isinstance(request.data, dict) else None
        if not isinstance(data, list) or not 1 <= len(data) <= MAX_BATCH:
            raise BadRequest(f"Invalid input for field/attribute {key}: it must be a list of 1 to {MAX_BATCH} objects.")
        parsed = self.request_serializers["post"](data=data, many=True)
        parsed.is_valid(raise_exception=True)
        return list(parsed.validated_data)

    def make_all(self, values: list[dict[str, Any]]) -> list[Any]:
        """Make the rows, or none."""
        raise NotImplementedError

    def post(self, request: Any) -> Response:
        self.authorize(f"create_{self.plural}")
        rows = self.make_all(self.parse_list(request))
        return Response(envelope(request, self.plural, (self.linked(row) for row in rows)), status=201)


class _RegisteredLimits(Noun):
    noun, plural = "registered_limit", "registered_limits"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_registered(row)


class RegisteredLimitsView(_RegisteredLimits, BatchView):
    request_serializers = {"post": serializers.RegisteredLimitSerializer}

    def rows(self) -> QuerySet[RegisteredLimit]:
        return selectors.registered(self.request.query_params.dict())

    def make_all(self, values: list[dict[str, Any]]) -> list[Any]:
        return limits.register(values=values)


class RegisteredLimitView(_RegisteredLimits, Item):
    request_serializers = {"patch": serializers.RegisteredLimitUpdateSerializer}

    def load(self, key: str) -> RegisteredLimit:
        return selectors.get_registered(key)

    def change(self, key: str, changes: dict[str, Any]) -> RegisteredLimit:
        return limits.update_registered(limit_id=key, changes=changes)

    def remove(self, key: str) -> None:
        limits.unregister(limit_id=key)


class _Limits(Noun):
    noun, plural = "limit", "limits"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class LimitsView(_Limits, BatchView):
    request_serializers = {"post": serializers.LimitSerializer}

    def get(self, request: Any, **ids: str) -> Response:
        """List limits: all for readers of the system, one's own project's and domain's for others."""
        return super().get(request)

    def rows(self) -> QuerySet[Limit]:
        caller = self.caller
        owners = None if self.allows("list_limits:any_owner") else (caller.project_id, caller.domain_id)
        return selectors.listed(self.request.query_params.dict(), owners=owners)

    def make_all(self, values: list[dict[str, Any]]) -> list[Any]:
        return limits.create(values=values)


class LimitModelView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("get_limit_model")
        return Response({"model": MODEL})


def target_of_limit(limit: Limit | None) -> dict[str, Any]:
    if limit is None:
        return {}
    return {
        "target.limit.project.id": limit.project_id,
        "target.limit.project.domain_id": limit.project.domain_id if limit.project else None,
        "target.limit.domain.id": limit.domain_id,
    }


class LimitView(_Limits, Item):
    request_serializers = {"patch": serializers.LimitUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return {} if written else target_of_limit(selectors.find(key))

    def load(self, key: str) -> Limit:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Limit:
        return limits.update(limit_id=key, changes=changes)

    def remove(self, key: str) -> None:
        limits.delete(limit_id=key)
