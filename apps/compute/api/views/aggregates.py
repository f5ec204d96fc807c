"""/os-aggregates."""

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.compute.api.documents import aggregates as documents
from apps.compute.api.serializers import aggregates as serializers
from apps.compute.api.views.base import ComputeView, Item, WholeCollection
from apps.compute.services import precaching
from apps.scheduling.exceptions import AggregateNotFound
from apps.scheduling.selectors import aggregates as selectors
from apps.scheduling.services import aggregates

RULE = "os_compute_api:os-aggregates:{}"


def number(text: str) -> int:
    """Return an aggregate's id. Raises BadRequest (400) for an invalid number, AggregateNotFound (404) for one that no
    aggregate can have.
    """
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise BadRequest(f"Invalid id {text[:64]}: it must be a whole number.")
    if text.startswith("-") or len(text) > 9:
        raise AggregateNotFound(aggregate=text[:64])
    return int(text)


class AggregatesView(WholeCollection):
    """Host aggregates."""

    plural, rule = "aggregates", RULE.format("index")
    request_serializers = {"post": serializers.AggregateCreate}
    examples = {"POST": {"aggregate": {"name": "fast disks", "availability_zone": "east"}}}

    def rows(self) -> Any:
        return selectors.all_aggregates()

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.version)

    def post(self, request: Request) -> Response:
        policy.check(self.caller, RULE.format("create"))
        aggregate = aggregates.create(**self.parse(request, "aggregate"))
        return Response({"aggregate": documents.render_created(aggregate, self.version)})


class AggregateView(Item):
    """One host aggregate."""

    noun, rules = "aggregate", "os_compute_api:os-aggregates"
    before_row = ("show", "delete")
    code_of_delete = 200
    request_serializers = {"put": serializers.AggregateUpdate}
    examples = {"PUT": {"aggregate": {"name": "fast disks", "availability_zone": "east"}}}

    def load(self, aggregate_id: str) -> Any:
        return selectors.get(aggregate_id=number(aggregate_id))

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.version)

    def put(self, request: Request, aggregate_id: str) -> Response:
        self.permit("update")
        values = self.parse(request, "aggregate")
        return Response(self.document(aggregates.update(aggregate_id=number(aggregate_id), **values)))

    def remove(self, row: Any) -> None:
        aggregates.delete(aggregate_id=row.id)


class AggregateImagesView(ComputeView):
    """Images that the aggregate's hosts fetch into their caches before servers ask for them."""

    versions = since("2.81")
    request_serializers = {"post": serializers.AggregateImages}
    examples = {"POST": {"cache": [{"id": "70a599e0-31e7-49b7-b260-868f441e862b"}]}}

    def post(self, request: Request, aggregate_id: str) -> Response:
        policy.check(self.caller, "compute:aggregates:images")
        values = self.parse(request, serializer=serializers.AggregateImages)
        ids = [item["id"] for item in values["cache"]]
        key = number(aggregate_id)
        selectors.get(aggregate_id=key)
        precaching.check(context=self.caller, image_ids=ids)
        aggregates.cache_images(aggregate_id=key, image_ids=ids)
        return Response(status=202)


class AggregateActionView(ComputeView):
    """add_host, remove_host and set_metadata."""

    action_serializers = {
        "add_host": serializers.AggregateHost,
        "remove_host": serializers.AggregateHost,
        "set_metadata": serializers.AggregateMetadata,
    }
    examples = {"POST": {"set_metadata": {"metadata": {"ssd": "true"}}}}
    acts: ClassVar[dict[str, Callable[..., Any]]] = {
        "add_host": aggregates.add_host,
        "remove_host": aggregates.remove_host,
        "set_metadata": aggregates.set_metadata,
    }

    def post(self, request: Request, aggregate_id: str) -> Response:
        names = list(request.data) if isinstance(request.data, dict) else []
        if len(names) != 1 or names[0] not in self.acts:
            raise BadRequest(f"The request body must have one of the actions {', '.join(self.acts)}.")
        name = names[0]
        policy.check(self.caller, RULE.format(name))
        values = self.parse(request, name, serializer=self.action_serializers[name])
        aggregate = self.acts[name](aggregate_id=number(aggregate_id), **values)
        return Response({"aggregate": documents.render(aggregate, self.version)})
