"""/manageable_volumes, /manageable_snapshots and, before 3.8, /os-volume-manage and /os-snapshot-manage."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import Range, since
from apps.volumes.api.documents import snapshots as snapshot_documents
from apps.volumes.api.documents import volumes as documents
from apps.volumes.api.serializers import managing as serializers
from apps.volumes.api.views.base import WholeCollection
from apps.volumes.selectors import volumes as selectors
from apps.volumes.selectors.backends import Backend
from apps.volumes.services import managing
from apps.volumes.services.managing import NAME, Manageable

MANAGEABLE: Range = since("3.8")


class _Manageable(WholeCollection):
    """``detail``: with what is known of each."""

    detail = False

    @property
    def backend(self) -> Backend:
        """Return the back end that the query names. Raises BadRequest (400)."""
        host = self.request.query_params.get("host")
        if not host:
            raise BadRequest("Invalid input for query parameters host. One host@backend#pool is required.")
        return managing.backend_of(host)

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


class ManageableVolumesView(_Manageable):
    """Volumes of a pool, by back end."""

    plural, rule = "manageable-volumes", "volume_extension:list_manageable"
    request_serializers = {"post": serializers.ManageVolume}
    examples = {"POST": {"volume": {"host": "h1@local#local", "ref": {NAME: "volume-1"}, "name": "mine again"}}}

    def rows(self) -> list[Manageable]:
        return managing.volumes_of(self.backend)

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

    plural, rule = "manageable-snapshots", "snapshot_extension:list_manageable"
    request_serializers = {"post": serializers.ManageSnapshot}
    examples = {"POST": {"snapshot": {"volume_id": "<a volume's id>", "ref": {NAME: "_snapshot-1"}}}}

    def rows(self) -> list[Manageable]:
        return managing.snapshots_of(self.backend)

    def post(self, request: Request) -> Response:
        """Take a snapshot over: 202, and the work continues."""
        self.check("snapshot_extension:snapshot_manage")
        values = self.parse(request, "snapshot")
        volume = selectors.get(context=self.caller, volume_id=values.pop("volume_id"))
        reference = values.pop("ref")
        snapshot = managing.manage_snapshot(context=self.caller, volume=volume, reference=reference, values=values)
        return Response({"snapshot": snapshot_documents.render(snapshot, self.version)}, status=202)


class ManageableVolumesDetailView(ManageableVolumesView):
    """The same, with what is known of each."""

    http_method_names = ["get", "head", "options"]
    detail = True


class ManageableSnapshotsDetailView(ManageableSnapshotsView):
    """The same, with what is known of each."""

    http_method_names = ["get", "head", "options"]
    detail = True
