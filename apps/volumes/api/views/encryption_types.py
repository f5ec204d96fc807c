"""How the volumes of a type are to be encrypted."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.volumes.api.documents import qos_specs as documents
from apps.volumes.api.serializers import volume_types as serializers
from apps.volumes.api.views.base import VolumeView
from apps.volumes.selectors import volume_types as selectors
from apps.volumes.services import encryption_types

RULE = "volume_extension:volume_type_encryption:{}"
EXAMPLE = {"encryption": {"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64",
                          "key_size": 256}}  # fmt: skip


class VolumeTypeEncryptionView(VolumeView):
    """A type's encryption; an empty document where it has none."""

    request_serializers = {"post": serializers.EncryptionCreate}
    examples = {"POST": EXAMPLE}

    def get(self, request: Request, type_id: str) -> Response:
        self.check(RULE.format("get"))
        row = selectors.encryption_of(volume_type=selectors.by_id(context=self.caller, key=type_id))
        return Response(documents.render_encryption(row) if row is not None else {})

    def post(self, request: Request, type_id: str) -> Response:
        self.check(RULE.format("create"))
        kind = selectors.by_id(context=self.caller, key=type_id)
        row = encryption_types.create(volume_type=kind, values=self.parse(request, "encryption"))
        return Response({"encryption": documents.render_encryption(row)})


class EncryptionTypeView(VolumeView):
    """One value of a type's encryption. PUT and DELETE are of all of it, whatever key they name, as in Cinder."""

    request_serializers = {"put": serializers.EncryptionUpdate}
    examples = {"PUT": EXAMPLE}

    def get(self, request: Request, type_id: str, encryption_id: str) -> Response:
        self.check(RULE.format("get"))
        row = selectors.encryption_of(volume_type=selectors.by_id(context=self.caller, key=type_id))
        values = documents.render_encryption(row) if row is not None else {}
        if encryption_id not in values:
            raise NotFound("The encryption of the volume type has no such value.")
        return Response({encryption_id: values[encryption_id]})

    def put(self, request: Request, type_id: str, encryption_id: str) -> Response:
        self.check(RULE.format("update"))
        kind, values = selectors.by_id(context=self.caller, key=type_id), self.parse(request, "encryption")
        encryption_types.update(volume_type=kind, values=values)
        return Response({"encryption": values})

    def delete(self, request: Request, type_id: str, encryption_id: str) -> Response:
        self.check(RULE.format("delete"))
        kind = selectors.by_id(context=self.caller, key=type_id)
        encryption_types.delete(volume_type=kind)
        return Response(status=202)
