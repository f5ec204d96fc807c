"""Volumes: create, list, show, update, delete, count."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet, Sum
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.common.microversions import since
from apps.volumes import exceptions
from apps.volumes.api.documents import volumes as documents
from apps.volumes.api.listing import VOLUMES
from apps.volumes.api.serializers import volumes as serializers
from apps.volumes.api.views.base import Collection, FilteredView, Item, VolumeView
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import affinity, attachments, groups, lists, volume_keys
from apps.volumes.selectors import volumes as selectors
from apps.volumes.services import groups as group_services
from apps.volumes.services import volume_requests, volumes

HINTS = "OS-SCH-HNT:scheduler_hints"
# What a request may name and this cloud does not have.
FEATURES = {
    "consistencygroup_id": "consistency groups of volumes",
}
TOTALS_WITH_METADATA, FORCES, WITHOUT_DATA = since("3.36"), since("3.23"), since("3.46")
EXAMPLE = {"volume": {"size": 1, "name": "data"}}


class VolumeViewBase(VolumeView):
    def renderer(self) -> documents.Renderer:
        return documents.Renderer(links=self.links, version=self.version, admin=self.caller.is_admin)

    def full(self, rows: Sequence[Volume]) -> list[dict[str, Any]]:
        """Return the documents of volumes with their attachments, and their keys' IDs. At most 2 queries."""
        renderer, attached = self.renderer(), attachments.of_volumes(volume_ids=[row.id for row in rows])
        encrypted = [row.id for row in rows if row.encrypted]
        keys = volume_keys.ids_of_volumes(volume_ids=encrypted) if encrypted else {}
        return [renderer.render_shown(row, attached.get(row.id, []), keys.get(row.id)) for row in rows]


class VolumesView(VolumeViewBase, Collection):
    """The project's volumes, briefly."""

    plural, listing, rule = "volumes", VOLUMES, "volume:get_all"
    resource, counts_since, words_since = "volume", since("3.45"), since("3.2")
    beside = (HINTS,)
    request_serializers = {"post": serializers.VolumeCreate}
    examples = {"POST": EXAMPLE}

    def rows(self) -> QuerySet[Volume]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere).select_related("volume_type")
        return self.narrowed(rows, all_projects=everywhere)

    def documents(self, rows: list[Volume]) -> list[dict[str, Any]]:
        renderer = self.renderer()
        return [renderer.render_brief(row) for row in rows]

    def post(self, request: Request, **ids: str) -> Response:
        """Create a volume, empty or from an image, a snapshot or another volume: 202, and the work continues."""
        self.check("volume:create")
        project_id = self.project_id
        values = self.parse(request, "volume")
        for name, feature in FEATURES.items():
            if values.get(name):
                raise exceptions.InvalidInput(reason=f"this cloud does not offer {feature} ({name})")
        values["hints"] = self._hints(request.data)
        values["needs_data"] = self.version not in WITHOUT_DATA
        volume = volume_requests.resolve(context=self.caller, values=values)
        assert volume.project_id == project_id
        if values.get("group_id"):
            volume.group = groups.get(context=self.caller, group_id=values["group_id"])
            group_services.check_joins(volume=volume, group=volume.group)
        volumes.create(context=self.caller, volume=volume)
        return Response({"volume": self.renderer().render(volume, [])}, status=202)

    def _hints(self, body: Any) -> dict[str, Any]:
        hints = body.get(HINTS) or {}
        texts = isinstance(hints, dict) and all(isinstance(value, str | list) for value in hints.values())
        if not texts or len(str(hints)) > lists.LONGEST:
            raise BadRequest(
                f"Invalid input for field/attribute {HINTS}: it must be a small mapping of hints to texts."
            )
        for name in (affinity.SAME, affinity.DIFFERENT, affinity.LOCAL):
            keys = affinity.ids(hints, name)
            if not all(map(parse_uuid, keys)) or (name == affinity.LOCAL and len(keys) > 1):
                raise BadRequest(f"Invalid input for field/attribute {name}: it names volumes, or a server, by ID.")
        if "query" in hints:
            raise exceptions.InvalidInput(reason="this cloud does not offer the hint query of volumes")
        return dict(hints)


class VolumesDetailView(VolumesView):
    """The project's volumes with everything about them."""

    http_method_names = ["get", "head", "options"]

    def documents(self, rows: list[Volume]) -> list[dict[str, Any]]:
        return self.full(rows)


class VolumesSummaryView(FilteredView):
    """How many volumes there are, and their GiB."""

    versions, resource = since("3.12"), "volume"

    def get(self, request: Request) -> Response:
        self.check("volume:get_all")
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere).order_by()
        rows = self.narrowed(rows, all_projects=everywhere)
        totals: dict[str, Any] = {
            "total_size": rows.aggregate(total=Sum("size"))["total"] or 0,
            "total_count": rows.count(),
        }
        if self.version in TOTALS_WITH_METADATA:
            totals["metadata"] = self._metadata(rows)
        return Response({"volume-summary": totals})

    def _metadata(self, rows: QuerySet[Volume]) -> dict[str, list[str]]:
        values: dict[str, set[str]] = {}
        for metadata in rows.exclude(metadata={}).values_list("metadata", flat=True):
            for key, value in metadata.items():
                values.setdefault(key, set()).add(value)
        return {key: sorted(items) for key, items in sorted(values.items())}


class VolumeItemView(VolumeViewBase, Item):
    """One volume."""

    noun = "volume"
    rules = {"show": "volume:get", "update": "volume:update", "delete": "volume:delete"}
    request_serializers = {"put": serializers.VolumeUpdate}
    examples = {"PUT": {"volume": {"name": "data", "description": "What it is for"}}}

    def load(self, volume_id: str) -> Volume:
        return selectors.get(context=self.caller, volume_id=volume_id)

    def render(self, row: Volume) -> dict[str, Any]:
        return self.full([row])[0]

    def put(self, request: Request, volume_id: str) -> Response:
        volume = self.permitted("update")
        updated = volumes.update(volume=volume, values=self.parse(request, "volume"))
        attached: list[Attachment] = attachments.of_volume(volume_id=updated.id)
        return Response({"volume": self.renderer().render(updated, attached)})

    def remove(self, row: Volume) -> None:
        force = self.version in FORCES and self.flag("force")
        if force:
            self.check("volume:force_delete", row)
        volumes.delete(context=self.caller, volume=row, cascade=self.flag("cascade"), force=force)


class VolumeEncryptionView(VolumeView):
    """How a volume is encrypted; of one that is not, the ID of its key is null."""

    def get(self, request: Request, volume_id: str) -> Response:
        return Response(self.encryption(volume_id))

    def encryption(self, volume_id: str) -> dict[str, Any]:
        volume = self.volume(volume_id, "volume_extension:volume_encryption_metadata")
        return documents.render_encryption(volume_keys.of_volume(volume_id=volume.id) if volume.encrypted else None)


class VolumeEncryptionKeyView(VolumeEncryptionView):
    """One value about a volume's encryption; null where it has none of that name."""

    def get(self, request: Request, volume_id: str, key: str) -> Response:  # type: ignore[override]
        return Response({key[:64]: self.encryption(volume_id).get(key)})
