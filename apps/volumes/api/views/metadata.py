"""Metadata of volumes and snapshots."""

from typing import Any, ClassVar

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.volumes.api.documents import volumes as volume_documents
from apps.volumes.api.serializers import metadata as serializers
from apps.volumes.api.views.base import VolumeView
from apps.volumes.models import Snapshot, Volume
from apps.volumes.services import metadata

ETAGS = since("3.15")
EXAMPLE = {"metadata": {"role": "data"}}


class _Of(VolumeView):
    """``rule`` has ``{}`` where the verb goes: get, create, update, delete."""

    rule: ClassVar[str]

    def owner(self, verb: str) -> Any:
        raise NotImplementedError

    def knows_etags(self) -> bool:
        """Return whether what is read has an ETag, and may be changed on condition that it is the same still."""
        return isinstance(self, _OfVolume) and self.version in ETAGS

    def only_at(self) -> list[str]:
        """Return the ETags that If-Match names. Without quotes they are taken, too: Cinder sends them so."""
        header = self.request.headers.get("If-Match", "") if self.knows_etags() else ""
        return [part.strip().removeprefix("W/").strip('"') for part in header.split(",") if part.strip()]


class _OfVolume(_Of):
    rule = "volume:{}_volume_metadata"

    def owner(self, verb: str) -> Volume:
        return self.volume(self.kwargs["volume_id"], self.rule.format(verb))


class _OfSnapshot(_Of):
    rule = "volume:{}_snapshot_metadata"

    def owner(self, verb: str) -> Snapshot:
        return self.snapshot(self.kwargs["snapshot_id"], self.rule.format(verb))


def _shown(row: Volume | Snapshot) -> dict[str, str]:
    return dict(volume_documents.metadata_of(row)) if isinstance(row, Volume) else row.metadata


class _Metadata(_Of):
    request_serializers = {"post": serializers.Metadata, "put": serializers.Metadata}
    examples = {"POST": EXAMPLE, "PUT": EXAMPLE}

    def get(self, request: Request, **ids: str) -> Response:
        row = self.owner("get")
        headers = {"ETag": f'"{metadata.etag(row)}"'} if self.knows_etags() else {}
        return Response({"metadata": _shown(row)}, headers=headers)

    def post(self, request: Request, **ids: str) -> Response:
        row = self.owner("create" if isinstance(self, _OfVolume) else "update")
        return Response({"metadata": metadata.add(row, self.parse(request)["metadata"])})

    def put(self, request: Request, **ids: str) -> Response:
        row = self.owner("update")
        return Response({"metadata": metadata.replace(row, self.parse(request)["metadata"], only_at=self.only_at())})


class _MetadataItem(_Of):
    request_serializers = {"put": serializers.MetadataItem}
    examples = {"PUT": {"meta": {"role": "data"}}}

    def get(self, request: Request, key: str, **ids: str) -> Response:
        row = self.owner("get")
        items = _shown(row)
        if key not in items:
            raise metadata.not_found(row, key)
        return Response({"meta": {key: items[key]}})

    def put(self, request: Request, key: str, **ids: str) -> Response:
        row = self.owner("update")
        items = self.parse(request)["meta"]
        if key not in items:
            raise BadRequest("Request body and URI mismatch")
        metadata.add(row, items, only_at=self.only_at())
        return Response({"meta": items})

    def delete(self, request: Request, key: str, **ids: str) -> Response:
        metadata.remove(self.owner("delete"), key)
        return Response(status=200)


class VolumeMetadataView(_OfVolume, _Metadata):
    """A volume's metadata: POST adds to it, PUT replaces it."""


class VolumeMetadataItemView(_OfVolume, _MetadataItem):
    """One item of a volume's metadata."""


class SnapshotMetadataView(_OfSnapshot, _Metadata):
    """A snapshot's metadata: POST adds to it, PUT replaces it."""


class SnapshotMetadataItemView(_OfSnapshot, _MetadataItem):
    """One item of a snapshot's metadata."""
