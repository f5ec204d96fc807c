"""/manageable_volumes, /manageable_snapshots and, before 3.8, /os-volume-manage and /os-snapshot-manage."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import Range, since
from apps.volumes.api.documents import snapshots as snapshot_documents
from apps.volumes.api.documents import volumes as documents
from apps.volumes.api.listing import STYLE
from apps.volumes.api.serializers import managing as serializers
from apps.volumes.api.views.base import VolumeView
from apps.volumes.selectors import volumes as selectors
from apps.volumes.services import managing
from apps.volumes.services.managing import NAME, Manageable

MANAGEABLE: Range = since("3.8")
SORTS = ("size", "reference")


class _Manageable(VolumeView):
    """``detail``: with what is known of each. ``rule`` guards the list."""

    detail = False
    rule: str
    plural: str

    def listed(self) -> list[dict[str, Any]]:
        """Return the documents of the page that the query asks for. Raises BadRequest (400)."""
        self.check(self.rule)
        params = self.request.query_params
        if not params.get("host"):
            raise BadRequest("Invalid input for query parameters host. One host@backend#pool is required.")
        rows = self.found(params["host"])
        key, _, direction = (params.get("sort") or params.get("sort_keys") or "reference:asc").partition(":")
        if key not in SORTS or direction not in ("", "asc", "desc"):
            raise BadRequest("Invalid input received: Sort key supplied is invalid")
        rows.sort(key=lambda row: (row.size if key == "size" else 0, row.reference), reverse=direction != "asc")
        first = STYLE.whole(params.get("offset") or "0", "offset")
        rows = rows[first:]
        if params.get("limit"):
            rows = rows[: STYLE.whole(params["limit"], "limit")]
        return [self.render(row) for row in rows]

    def found(self, host: str) -> list[Manageable]:
        raise NotImplementedError

    def render(self, row: Manageable) -> dict[str, Any]:
        document: dict[str, Any] = {
            "reference": {NAME: row.reference}, "size": row.size, "safe_to_manage": row.managed_by is None,
        }  # fmt: skip
        if row.volume:
            document["source_reference"] = {NAME: f"{managing.VOLUME}{row.volume}"}
        if self.detail:
            document |= {
                "reason_not_safe": "already managed" if row.managed_by else None,
                "cinder_id": str(row.managed_by) if row.managed_by else None,
                "extra_info": None,
            }
        return document

    def get(self, request: Request) -> Response:
        """List what a pool has: what can be managed, and what is already."""
        return Response({self.plural: self.listed()})


class ManageableVolumesView(_Manageable):
    """Volumes of a pool, by back end."""

    rule, plural = "volume_extension:list_manageable", "manageable-volumes"
    request_serializers = {"post": serializers.ManageVolume}
    examples = {"POST": {"volume": {"host": "h1@local#local", "ref": {NAME: "volume-1"}, "name": "mine again"}}}

    def found(self, host: str) -> list[Manageable]:
        return managing.volumes_of(managing.backend_of(host))

    def post(self, request: Request) -> Response:
        """Take a volume over: 202, and the work continues."""
        self.check("volume_extension:volume_manage")
        assert self.project_id
        values = self.parse(request, "volume")
        host, reference = values.pop("host"), values.pop("ref")
        volume = managing.manage(context=self.caller, host=host, reference=reference, values=values)
        renderer = documents.Renderer(links=self.links, version=self.version, admin=self.caller.is_admin)
        return Response({"volume": renderer.render(volume, [])}, status=202)


class ManageableSnapshotsView(_Manageable):
    """Snapshots of volumes of a pool, by back end."""

    rule, plural = "snapshot_extension:list_manageable", "manageable-snapshots"
    request_serializers = {"post": serializers.ManageSnapshot}
    examples = {"POST": {"snapshot": {"volume_id": "<a volume's id>", "ref": {NAME: "_snapshot-1"}}}}

    def found(self, host: str) -> list[Manageable]:
        return managing.snapshots_of(managing.backend_of(host))

    def post(self, request: Request) -> Response:
        """Take a snapshot over: 202, and the work continues."""
        self.check("snapshot_extension:snapshot_manage")
        values = self.parse(request, "snapshot")
        volume = selectors.get(context=self.caller, volume_id=values.pop("volume_id"))
        reference = values.pop("ref")
        snapshot = managing.manage_snapshot(context=self.caller, volume=volume, reference=reference, values=values)
        return Response({"snapshot": snapshot_documents.render(snapshot, self.version)}, status=202)


def detailed(view: type[_Manageable], versions: Range | None) -> Any:
    """Return the handler of the list with details."""
    methods: Sequence[str] = ("get", "head", "options")
    return view.as_view(detail=True, versions=versions, http_method_names=list(methods))
