"""/os-volumes and /os-snapshots, until 2.35; /os-assisted-volume-snapshots."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import volumes as documents
from apps.compute.api.listing import BY_OFFSET
from apps.compute.api.serializers import volumes as serializers
from apps.compute.api.views.base import Collection, ComputeView, Item
from apps.compute.api.views.proxies import ProxyView, nova_faults
from apps.compute.services import assisted_snapshots
from apps.volumes.selectors import attachments
from apps.volumes.selectors import snapshots as snapshot_selectors
from apps.volumes.selectors import volumes as selectors
from apps.volumes.services import snapshots, volume_requests, volumes

if TYPE_CHECKING:
    from apps.volumes.models import Snapshot, Volume

RULES = "os_compute_api:os-volumes"
SNAPSHOTS = f"{RULES}:snapshots"
ASSISTED = "os_compute_api:os-assisted-volume-snapshots"
LONGEST = 4096


class VolumesView(ProxyView, Collection):
    """The project's volumes. Brief or with details, Nova shows the same."""

    plural, listing, rule = "volumes", BY_OFFSET, f"{RULES}:list"
    request_serializers = {"post": serializers.VolumeOfNova}
    examples = {"POST": {"volume": {"size": 1, "display_name": "data"}}}

    def rows(self) -> "QuerySet[Volume]":
        if self.request._request.path.endswith("/"):  # one volume was meant, and its id is missing
            raise NotFound()
        return selectors.visible(context=self.caller).select_related("volume_type")

    def documents(self, rows: "list[Volume]") -> list[dict[str, Any]]:
        attached = attachments.of_volumes(volume_ids=[row.id for row in rows])
        return [documents.render(row, attached.get(row.id, [])) for row in rows]

    def post(self, request: Request) -> Response:
        """Create a volume, empty or from a snapshot; the work continues."""
        policy.check(self.caller, f"{RULES}:create")
        policy.check(self.caller, "volume:create")
        if self.caller.project_id is None:
            raise BadRequest("Volumes belong to a project: use a token that is scoped to one.")
        asked = self.parse(request, "volume")
        asked |= {"name": asked.pop("display_name", None), "description": asked.pop("display_description", None)}
        with nova_faults():
            volume = volume_requests.resolve(context=self.caller, values=asked)
            volumes.create(context=self.caller, volume=volume)
        return Response({"volume": documents.render(volume, [])})


class VolumesDetailView(VolumesView):
    """The same as the list: Nova's documents of volumes have one form."""

    http_method_names = ["get", "head", "options"]
    rule = f"{RULES}:detail"


class VolumeView(ProxyView, Item):
    """One volume."""

    noun, rules = "volume", RULES
    before_row = ("show",)

    def load(self, volume_id: str) -> "Volume":
        return selectors.get(context=self.caller, volume_id=volume_id)

    def render(self, row: "Volume") -> dict[str, Any]:
        return documents.render(row, attachments.of_volume(volume_id=row.id))

    def remove(self, row: "Volume") -> None:
        policy.check(self.caller, "volume:delete", {"project_id": row.project_id})
        with nova_faults():
            volumes.delete(context=self.caller, volume=row)

    def delete(self, request: Request, **ids: str) -> Response:
        super().delete(request, **ids)
        return Response(status=202)


class SnapshotsView(ProxyView, Collection):
    """The project's snapshots."""

    plural, listing, rule = "snapshots", BY_OFFSET, f"{SNAPSHOTS}:list"
    request_serializers = {"post": serializers.SnapshotOfNova}
    examples = {"POST": {"snapshot": {"volume_id": "<a volume's id>", "display_name": "before"}}}

    def rows(self) -> "QuerySet[Snapshot]":
        return snapshot_selectors.visible(context=self.caller)

    def render(self, row: "Snapshot") -> dict[str, Any]:
        return documents.render_snapshot(row)

    def post(self, request: Request) -> Response:
        """Create a snapshot; with ``force`` also of a volume in use."""
        policy.check(self.caller, f"{SNAPSHOTS}:create")
        asked = self.parse(request, "snapshot")
        volume = selectors.get(context=self.caller, volume_id=asked["volume_id"])
        policy.check(self.caller, "volume:create_snapshot", {"project_id": volume.project_id})
        values = {"name": asked.get("display_name"), "description": asked.get("display_description")}
        with nova_faults():
            row = snapshots.create(
                context=self.caller, volume=volume, values=values, attached_too=bool(asked.get("force"))
            )
        return Response({"snapshot": documents.render_snapshot(row)})


class SnapshotsDetailView(SnapshotsView):
    """The same as the list: Nova's documents of snapshots have one form."""

    http_method_names = ["get", "head", "options"]
    rule = f"{SNAPSHOTS}:detail"


class SnapshotView(ProxyView, Item):
    """One snapshot."""

    noun, rules = "snapshot", SNAPSHOTS
    before_row = ("show",)

    def load(self, snapshot_id: str) -> "Snapshot":
        return snapshot_selectors.get(context=self.caller, snapshot_id=snapshot_id)

    def render(self, row: "Snapshot") -> dict[str, Any]:
        return documents.render_snapshot(row)

    def remove(self, row: "Snapshot") -> None:
        policy.check(self.caller, "volume:delete_snapshot", {"project_id": row.project_id})
        with nova_faults():
            snapshots.delete(context=self.caller, snapshot=row)

    def delete(self, request: Request, **ids: str) -> Response:
        super().delete(request, **ids)
        return Response(status=202)


class AssistedSnapshotsView(ComputeView):
    """Snapshots of volumes in use, as a volume service asks for them that cannot make them by itself."""

    request_serializers = {"post": serializers.AssistedSnapshot}
    examples = {
        "POST": {
            "snapshot": {
                "volume_id": "<a volume's id>",
                "create_info": {"snapshot_id": "<the snapshot's id>", "type": "qcow2", "new_file": "new"},
            }
        }
    }

    def post(self, request: Request) -> Response:
        policy.check(self.caller, f"{ASSISTED}:create")
        asked = self.parse(request, "snapshot")
        volume_id, info = asked["volume_id"], asked["create_info"]
        key = info["snapshot_id"]
        with nova_faults():
            assisted_snapshots.create(context=self.caller, volume_id=volume_id, snapshot_id=key)
        return Response({"snapshot": {"id": info.get("id") or str(key), "volumeId": str(volume_id)}})


class AssistedSnapshotView(ComputeView):
    """One of them."""

    def delete(self, request: Request, snapshot_id: str) -> Response:
        """Delete it; ``delete_info`` names its volume."""
        policy.check(self.caller, f"{ASSISTED}:delete")
        with nova_faults():
            assisted_snapshots.delete(context=self.caller, volume_id=self._volume_id(), snapshot_id=snapshot_id)
        return Response(status=204)

    def _volume_id(self) -> uuid.UUID:
        text = self.request.query_params.get("delete_info") or ""
        try:
            info = json.loads(text) if len(text) <= LONGEST else None
        except (ValueError, RecursionError):
            info = None
        key = parse_uuid(info.get("volume_id")) if isinstance(info, dict) else None
        if key is None:
            raise BadRequest("Invalid input for query parameters delete_info: it must be an object with a volume_id.")
        return key
