"""Transfers of volumes to other projects, under both of their URLs."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.listing import OLDER_TRANSFERS, TRANSFERS
from apps.volumes.api.serializers import transfers as serializers
from apps.volumes.api.views.base import Collection, Item, VolumeView
from apps.volumes.models import Transfer
from apps.volumes.selectors import transfers as selectors
from apps.volumes.services import transfers

FIELDS = {
    "no_snapshots": since("3.55"),
    "source_project_id": since("3.57"),
    "destination_project_id": since("3.57"),
    "accepted": since("3.57"),
}
ENCRYPTED = since("3.70")


class _TransferView(VolumeView):
    """``kind`` is the URL's word: the newer one has its calls since 3.55."""

    kind = "os-volume-transfer"

    def render_brief(self, row: Transfer) -> dict[str, Any]:
        links = self.links.of(self.kind, row.id)
        return {"id": str(row.id), "volume_id": str(row.volume_id), "name": row.name or None, "links": links}

    def render(self, row: Transfer) -> dict[str, Any]:
        document = {
            **self.render_brief(row),
            "created_at": microseconds(row.created_at),
            "no_snapshots": not row.with_snapshots,
            "source_project_id": row.project_id,
            "destination_project_id": None,
            "accepted": False,
        }
        return microversions.without(document, microversions.hidden(FIELDS, self.version))


class TransfersView(_TransferView, Collection):
    """The project's transfers, briefly."""

    resource = "transfer"
    plural, listing, rule = "transfers", TRANSFERS, "volume:get_all_transfers"
    pages_since, before_pages = since("3.59"), (OLDER_TRANSFERS, ("limit", "offset"))
    request_serializers = {"post": serializers.TransferCreate}
    examples = {"POST": {"transfer": {"volume_id": "<a volume's id>", "name": "for you"}}}

    def rows(self) -> QuerySet[Transfer]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def documents(self, rows: list[Transfer]) -> list[dict[str, Any]]:
        return [self.render_brief(row) for row in rows]

    def post(self, request: Request, **ids: str) -> Response:
        """Offer a volume. The answer has the key that who accepts must know; it is shown this once."""
        values = self.parse(request, "transfer")
        volume = self.volume(values["volume_id"], "volume:create_transfer")
        row, key = transfers.create(
            volume=volume,
            name=values.get("name") or "",
            with_snapshots=not values.get("no_snapshots", False),
            encrypted_too=self.version in ENCRYPTED,
        )
        return Response({"transfer": {**self.render(row), "auth_key": key}}, status=202)


class TransfersDetailView(TransfersView):
    """The project's transfers with everything about them."""

    http_method_names = ["get", "head", "options"]

    def documents(self, rows: list[Transfer]) -> list[dict[str, Any]]:
        return [self.render(row) for row in rows]


class TransferView(_TransferView, Item):
    """One transfer."""

    noun = "transfer"
    rules = {"show": "volume:get_transfer", "delete": "volume:delete_transfer"}

    def load(self, transfer_id: str) -> Transfer:
        return selectors.get(context=self.caller, transfer_id=transfer_id)

    def remove(self, row: Transfer) -> None:
        transfers.delete(transfer=row)


class TransferAcceptView(_TransferView):
    """Accept a volume into the caller's project."""

    request_serializers = {"post": serializers.TransferAccept}
    examples = {"POST": {"accept": {"auth_key": "<the key>"}}}

    def post(self, request: Request, transfer_id: str) -> Response:
        self.check("volume:accept_transfer")
        values, _ = self.parse(request, "accept"), self.project_id
        row = selectors.offered(transfer_id=transfer_id)
        transfers.accept(context=self.caller, transfer=row, key=values["auth_key"])
        return Response({"transfer": self.render_brief(row)}, status=202)
