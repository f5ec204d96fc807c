"""POST /volumes/{id}/action."""

import http
import uuid
from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes import exceptions
from apps.volumes.api.documents import volumes as documents
from apps.volumes.api.serializers import metadata as metadata_serializers
from apps.volumes.api.serializers import volumes as serializers
from apps.volumes.api.views.base import ActionView
from apps.volumes.models import Volume
from apps.volumes.selectors import volume_types
from apps.volumes.services import (
    managing,
    metadata,
    volume_attach,
    volume_images,
    volume_migrations,
    volume_reimage,
    volume_retype,
    volumes,
)

EXTENDS_ATTACHED, REVERTS, REIMAGES, COMPLETES = since("3.42"), since("3.40"), since("3.68"), since("3.71")
_ADMIN = "volume_extension:volume_admin_actions:{}"
_ACTION = "volume_extension:volume_actions:{}"
_IMAGE_METADATA = "volume_extension:volume_image_metadata:{}"
# action -> the rule that guards it
RULES = {
    "os-attach": _ACTION.format("attach"),
    "os-detach": _ACTION.format("detach"),
    "os-reserve": _ACTION.format("reserve"),
    "os-unreserve": _ACTION.format("unreserve"),
    "os-begin_detaching": _ACTION.format("begin_detaching"),
    "os-roll_detaching": _ACTION.format("roll_detaching"),
    "os-initialize_connection": _ACTION.format("initialize_connection"),
    "os-terminate_connection": _ACTION.format("terminate_connection"),
    "os-extend": "volume:extend",
    "os-retype": "volume:retype",
    "revert": "volume:revert_to_snapshot",
    "os-reimage": "volume:reimage",
    "os-volume_upload_image": _ACTION.format("upload_image"),
    "os-set_bootable": "volume:update",
    "os-update_readonly_flag": "volume:update_readonly_flag",
    "os-set_image_metadata": _IMAGE_METADATA.format("set"),
    "os-unset_image_metadata": _IMAGE_METADATA.format("remove"),
    "os-show_image_metadata": _IMAGE_METADATA.format("show"),
    "os-reset_status": _ADMIN.format("reset_status"),
    "os-force_delete": _ADMIN.format("force_delete"),
    "os-force_detach": _ADMIN.format("force_detach"),
    "os-unmanage": "volume_extension:volume_unmanage",
    "os-migrate_volume": _ADMIN.format("migrate_volume"),
    "os-migrate_volume_completion": _ADMIN.format("migrate_volume_completion"),
    "os-extend_volume_completion": _ADMIN.format("extend_volume_completion"),
}
NOTHING = metadata_serializers.Nothing


class VolumeActionView(ActionView):
    """What is done to a volume."""

    ACTIONS = {name: name.removeprefix("os-") for name in RULES}
    action_serializers = {
        "os-attach": serializers.Attach,
        "os-detach": serializers.Detach,
        "os-reserve": NOTHING,
        "os-unreserve": NOTHING,
        "os-begin_detaching": NOTHING,
        "os-roll_detaching": NOTHING,
        "os-initialize_connection": serializers.Connection,
        "os-terminate_connection": serializers.Connection,
        "os-extend": serializers.Extend,
        "os-retype": serializers.Retype,
        "revert": serializers.Revert,
        "os-reimage": serializers.Reimage,
        "os-volume_upload_image": serializers.UploadImage,
        "os-set_bootable": serializers.SetBootable,
        "os-update_readonly_flag": serializers.ReadOnlyFlag,
        "os-set_image_metadata": metadata_serializers.ImageMetadata,
        "os-unset_image_metadata": metadata_serializers.ImageMetadataKey,
        "os-show_image_metadata": NOTHING,
        "os-reset_status": serializers.ResetStatus,
        "os-force_delete": NOTHING,
        "os-force_detach": serializers.ForceDetach,
        "os-unmanage": NOTHING,
        "os-migrate_volume": serializers.Migrate,
        "os-migrate_volume_completion": serializers.MigrateCompletion,
        "os-extend_volume_completion": serializers.ExtendCompletion,
    }
    examples = {"POST": {"os-extend": {"new_size": 2}}}

    def post(self, request: Request, volume_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        action, _ = self.asked(request)
        volume = self.volume(volume_id, RULES[action])
        values = self.values(action)
        answer = getattr(self, f"_{self.ACTIONS[action]}")(volume, values)
        if not isinstance(answer, Response):
            return Response(status=202)
        if answer.data is None:  # Cinder's 200 without a body
            return answer
        document: dict[str, Any] = answer.data  # spelled out for the API's description
        if answer.status_code != http.HTTPStatus.OK:
            return Response(document, status=202)
        return Response(document, status=200)

    def _attach(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.attach(
            volume=volume,
            server_id=values.get("instance_uuid"),
            host=values.get("host_name") or "",
            device=values.get("mountpoint") or "",
            mode=values.get("mode") or "",
        )

    def _detach(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.detach(volume=volume, attachment_id=values.get("attachment_id"))

    def _reserve(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.reserve(volume=volume)

    def _unreserve(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.unreserve(volume=volume)

    def _begin_detaching(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.begin_detach(volume=volume)

    def _roll_detaching(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.roll_back_detach(volume=volume)

    def _initialize_connection(self, volume: Volume, values: dict[str, Any]) -> Response:
        return Response({"connection_info": volume_attach.connect(volume=volume)})

    def _terminate_connection(self, volume: Volume, values: dict[str, Any]) -> None:
        """Nothing stays open for a client: hosts open and close disks by attachments."""

    def _extend(self, volume: Volume, values: dict[str, Any]) -> None:
        attached_too = self.version in EXTENDS_ATTACHED
        volumes.extend(context=self.caller, volume=volume, attached_too=attached_too, **values)

    def _retype(self, volume: Volume, values: dict[str, Any]) -> None:
        chosen = volume_types.get(context=self.caller, key=values["new_type"])
        may_move = values.get("migration_policy") == "on-demand"
        volume_retype.retype(context=self.caller, volume=volume, volume_type=chosen, may_move=may_move)

    def _revert(self, volume: Volume, values: dict[str, Any]) -> None:
        self.require(REVERTS)
        volumes.revert(context=self.caller, volume=volume, snapshot_id=uuid.UUID(str(values["snapshot_id"])))

    def _reimage(self, volume: Volume, values: dict[str, Any]) -> None:
        self.require(REIMAGES)
        if reserved := values["reimage_reserved"]:
            self.check("volume:reimage_reserved", volume)
        image_id = uuid.UUID(str(values["image_id"]))
        volume_reimage.begin(context=self.caller, volume=volume, image_id=image_id, reserved=reserved)

    def _volume_upload_image(self, volume: Volume, values: dict[str, Any]) -> Response:
        if values.get("visibility") == "public":
            policy.check(self.caller, "volume_extension:volume_actions:upload_public")
        image = volume_images.upload(context=self.caller, volume=volume, values=values)
        return Response({"os-volume_upload_image": documents.render_upload(volume, image)}, status=202)

    def _set_bootable(self, volume: Volume, values: dict[str, Any]) -> Response:
        volumes.set_bootable(volume=volume, bootable=values["bootable"])
        return Response(status=200)

    def _update_readonly_flag(self, volume: Volume, values: dict[str, Any]) -> None:
        volumes.set_read_only(volume=volume, read_only=values["readonly"])

    def _set_image_metadata(self, volume: Volume, values: dict[str, Any]) -> Response:
        return Response({"metadata": metadata.add_of_image(volume=volume, items=values["metadata"])})

    def _unset_image_metadata(self, volume: Volume, values: dict[str, Any]) -> Response:
        metadata.remove_of_image(volume=volume, key=values["key"])
        return Response(status=200)

    def _show_image_metadata(self, volume: Volume, values: dict[str, Any]) -> Response:
        return Response({"metadata": volume.image_metadata})

    def _unmanage(self, volume: Volume, values: dict[str, Any]) -> None:
        managing.unmanage(context=self.caller, volume=volume)

    def _migrate_volume(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_migrations.migrate(context=self.caller, volume=volume, host=values["host"])

    def _migrate_volume_completion(self, volume: Volume, values: dict[str, Any]) -> Response:
        other = self.volume(str(values["new_volume"]), RULES["os-migrate_volume_completion"])
        kept = volume_migrations.finish_elsewhere(volume=volume, new_volume=other)
        return Response({"save_volume_id": str(kept)})

    def _extend_volume_completion(self, volume: Volume, values: dict[str, Any]) -> None:
        """Cinder's word for disks that a server's host extends. Here the volume's host does."""
        self.require(COMPLETES)
        raise exceptions.InvalidVolume(reason=f"No extension of volume {volume.id} waits for its server.")

    def _reset_status(self, volume: Volume, values: dict[str, Any]) -> None:
        volumes.reset_status(volume=volume, values=values)

    def _force_delete(self, volume: Volume, values: dict[str, Any]) -> None:
        volumes.delete(context=self.caller, volume=volume, force=True)

    def _force_detach(self, volume: Volume, values: dict[str, Any]) -> None:
        volume_attach.force_detach(volume=volume, attachment_id=values.get("attachment_id"))
