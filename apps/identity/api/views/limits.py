"""``/v3/registered_limits`` and ``/v3/limits``."""

from typing import Any

from rest_framework.serializers import Serializer

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import limits as documents
from apps.identity.api.documents.base import envelope, many, one
from apps.identity.api.serializers import limits as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.models import Limit
from apps.identity.selectors import limits as selectors
from apps.identity.services import limits

MAX_BATCH = 100
MODEL = {"name": "flat", "description": "Limits are of one project or domain each; none depends on another."}


class BatchView(IdentityView):
    """The base of both collections: a POST holds a list."""

    def parse_list(self, request: Any, key: str, serializer: type[Serializer[Any]]) -> list[dict[str, Any]]:
        """Return the validated values of each entry. Raises BadRequest (400)."""
        data = request.data.get(key) if isinstance(request.data, dict) else None
        if not isinstance(data, list) or not 1 <= len(data) <= MAX_BATCH:
            raise BadRequest(f"Invalid input for field/attribute {key}: it must be a list of 1 to {MAX_BATCH} objects.")
        parsed = serializer(data=data, many=True)
        parsed.is_valid(raise_exception=True)
        return list(parsed.validated_data)


class RegisteredLimitsView(BatchView):
    request_serializers = {"post": serializers.RegisteredLimitSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_registered_limits")
        rows = selectors.registered(request.query_params.dict())
        return Response(
            many(
                request,
                "registered_limits",
                rows,
                lambda row: one(request, "registered_limits", documents.render_registered(row)),
            )
        )

    def post(self, request: Any) -> Response:
        self.authorize("create_registered_limits")
        rows = limits.register(
            values=self.parse_list(request, "registered_limits", serializers.RegisteredLimitSerializer)
        )
        shown = (one(request, "registered_limits", documents.render_registered(row)) for row in rows)
        return Response(envelope(request, "registered_limits", shown), status=201)


class RegisteredLimitView(IdentityView):
    request_serializers = {"patch": serializers.RegisteredLimitUpdateSerializer}

    def get(self, request: Any, limit_id: str) -> Response:
        self.authorize("get_registered_limit")
        row = selectors.get_registered(limit_id)
        return Response({"registered_limit": one(request, "registered_limits", documents.render_registered(row))})

    def patch(self, request: Any, limit_id: str) -> Response:
        self.authorize("update_registered_limit")
        row = limits.update_registered(limit_id=limit_id, changes=self.parse(request, "registered_limit"))
        return Response({"registered_limit": one(request, "registered_limits", documents.render_registered(row))})

    def delete(self, request: Any, limit_id: str) -> Response:
        self.authorize("delete_registered_limit")
        limits.unregister(limit_id=limit_id)
        return Response(status=204)


class LimitsView(BatchView):
    request_serializers = {"post": serializers.LimitSerializer}

    def get(self, request: Any) -> Response:
        """List limits: all for readers of the system, one's own project's and domain's for others."""
        self.authorize("list_limits")
        caller = self.caller
        owners = None if self.allows("list_limits:any_owner") else (caller.project_id, caller.domain_id)
        rows = selectors.listed(request.query_params.dict(), owners=owners)
        return Response(many(request, "limits", rows, lambda row: one(request, "limits", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_limits")
        rows = limits.create(values=self.parse_list(request, "limits", serializers.LimitSerializer))
        return Response(
            envelope(request, "limits", (one(request, "limits", documents.render(row)) for row in rows)), status=201
        )


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


class LimitView(IdentityView):
    request_serializers = {"patch": serializers.LimitUpdateSerializer}

    def get(self, request: Any, limit_id: str) -> Response:
        self.authorize("get_limit", target_of_limit(selectors.find(limit_id)))
        return Response({"limit": one(request, "limits", documents.render(selectors.get(limit_id)))})

    def patch(self, request: Any, limit_id: str) -> Response:
        self.authorize("update_limit")
        row = limits.update(limit_id=limit_id, changes=self.parse(request, "limit"))
        return Response({"limit": one(request, "limits", documents.render(row))})

    def delete(self, request: Any, limit_id: str) -> Response:
        self.authorize("delete_limit")
        limits.delete(limit_id=limit_id)
        return Response(status=204)
