"""/servers/{server_id}/os-volume_attachments: a server's volumes, which are attached and detached here."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import audit, policy
from apps.common.api.views import Response
from apps.common.identifiers import parse_uuid
from apps.common.microversions import Version, since
from apps.compute import states
from apps.compute.actions import ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME, ServerAction
from apps.compute.api.documents import volume_attachments as documents
from apps.compute.api.listing import BY_OFFSET
from apps.compute.api.serializers import volume_attachments as serializers
from apps.compute.api.views.base import Collection, OfServer, PartOfServer
from apps.compute.exceptions import VolumeNotAttached, WrongState
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import volume_attachments as selectors
from apps.compute.services import volume_attachments, volume_swaps

RULES = "os_compute_api:os-volumes-attachments"
KEY = "volumeAttachment"
MULTIATTACH = since("2.60")
OF_SHELVED = since("2.20")
UPDATED = since("2.85")
WITHOUT_ANSWER = since("2.101")


class VolumeAttachmentsView(OfServer, Collection):
    """A server's volumes. One that is on its way is not in the list: clients wait for it."""

    checks_query = True
    plural, rule, listing = "volumeAttachments", f"{RULES}:index", BY_OFFSET
    request_serializers = {"post": serializers.VolumeAttachment}
    examples = {"POST": {KEY: {"volumeId": "<a volume's id>"}}}
    owner: Server

    def permit(self, action: str, row: Any = None) -> None:
        self.owner = self.server(self.kwargs["server_id"], self.rule)

    def rows(self) -> QuerySet[BlockDevice]:
        self.check_query(("limit", "offset"))
        return selectors.attached_to(server=self.owner)

    def render(self, row: BlockDevice) -> dict[str, Any]:
        return documents.render(row, self.version)

    def post(self, request: Request, server_id: str) -> Response:
        """Attach a volume: the answer names its device, until 2.100; the volume is in use once the guest has it."""
        server = self.server(server_id, ATTACH_VOLUME.policy)
        values = self.parse(request, KEY)
        _check_not_shelved(server, ATTACH_VOLUME, self.version)
        with audit.action(ATTACH_VOLUME.event, "server", server.id):
            device = volume_attachments.attach(
                context=self.caller,
                server=server,
                volume_id=values["volumeId"],
                tag=values.get("tag") or "",
                delete_on_termination=values.get("delete_on_termination", False),
                multiattach=self.version in MULTIATTACH,
            )
        if self.version in WITHOUT_ANSWER:
            return Response(status=202)
        return Response({KEY: documents.render(device, self.version)})


class VolumeAttachmentView(PartOfServer):
    """One volume of a server, by the volume's ID."""

    noun, rules = KEY, RULES
    request_serializers = {"put": serializers.VolumeAttachmentUpdate}
    examples = {"PUT": {KEY: {"volumeId": "<the same volume's id>", "delete_on_termination": True}}}

    def load(self, server_id: str, volume_id: str) -> BlockDevice:
        key = parse_uuid(volume_id)
        row = selectors.attached_to(server=self.owner).filter(volume_id=key).first() if key else None
        if row is None:
            raise VolumeNotAttached(server=self.owner.id, volume=volume_id[:64])
        return row

    def render(self, row: BlockDevice) -> dict[str, Any]:
        return documents.render(row, self.version)

    def put(self, request: Request, server_id: str, volume_id: str) -> Response:
        """Choose whether the volume is deleted with its server. Administrators put another one in its place."""
        self.owner = self.server(server_id, f"{RULES}:update" if self.version in UPDATED else f"{RULES}:swap")
        device = self.load(server_id, volume_id)
        values = self.parse(request, KEY)
        if parse_uuid(values["volumeId"]) != device.volume_id or self.version not in UPDATED:
            policy.check(self.caller, f"{RULES}:swap")
            deletes = values.get("delete_on_termination") if self.version in UPDATED else None
            with audit.action(SWAP_VOLUME.event, "server", self.owner.id):
                volume_swaps.swap(
                    context=self.caller,
                    server=self.owner,
                    device=device,
                    volume_id=values["volumeId"],
                    delete_on_termination=deletes,
                )
        elif "delete_on_termination" in values:
            volume_attachments.update(device=device, delete_on_termination=values["delete_on_termination"])
        return Response(status=202)

    def delete(self, request: Request, server_id: str, volume_id: str) -> Response:
        """Detach a volume: it is free when the guest has released it. Repeated meanwhile, it answers the same."""
        server = self.server(server_id, DETACH_VOLUME.policy)
        _check_not_shelved(server, DETACH_VOLUME, self.version)
        with audit.action(DETACH_VOLUME.event, "server", server.id):
            volume_attachments.detach(context=self.caller, server=server, volume_id=parse_uuid(volume_id))
        return Response(status=202)


def _check_not_shelved(server: Server, action: ServerAction, version: Version) -> None:
    """Raise WrongState (409) for a shelved server below 2.20."""
    if version not in OF_SHELVED and server.vm_state in (states.SHELVED, states.SHELVED_OFFLOADED):
        raise WrongState(action=action.name, server=server.id, attribute="vm_state", state=server.vm_state)
