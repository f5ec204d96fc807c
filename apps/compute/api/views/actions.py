"""POST /servers/{id}/action: the actions of the catalogue (apps/compute/actions/)."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator
from rest_framework import status
from rest_framework.request import Request

from apps.common import audit, policy
from apps.common.api.views import BadRequest, Response
from apps.common.exceptions import NotFound
from apps.common.microversions import Version, since
from apps.compute import actions
from apps.compute.actions import ServerAction
from apps.compute.api import permissions
from apps.compute.api.documents import base
from apps.compute.api.documents import servers as documents
from apps.compute.api.serializers.servers import ServerRebuild
from apps.compute.api.views.servers import ServerViewBase
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_actions
from apps.compute.services.server_rebuilds import Rebuild

# Bodies that have the fields of POST /servers, with their versions.
SERIALIZERS = {actions.REBUILD.key: ServerRebuild}
WITH_KEY, WITH_USER_DATA = since("2.54"), since("2.57")

NAMES_IMAGES = since("2.45")
LATER = since("2.34")  # checks of live migrations
STAYS_OFF = since("2.95")  # a server that was evacuated
REIMAGES, RESCUES_VOLUMES = since("2.93"), since("2.87")  # servers that boot from volumes


class ServerActionView(ServerViewBase):
    examples = {"POST": {"reboot": {"type": "SOFT"}}}

    @property
    def request_schemas(self) -> dict[str, Any]:  # type: ignore[override]
        """One key, the action's name; for OpenAPI."""
        body = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {key: action.body for key, action in actions.of_api().items()},
        }
        return {"post": {"application/json": body}}

    @property
    def response_serializers(self) -> dict[str, Any]:  # type: ignore[override]
        """The documents of those actions that answer with one; for OpenAPI."""
        keys: dict[str, Any] = {action.answer: {} for action in actions.of_api().values() if action.answer}
        image = {"image_id": {"type": "string", "format": "uuid"}}
        documents = {200: keys, 202: image}
        return {"post": {code: {"type": "object", "properties": keys} for code, keys in documents.items()}}

    def post(self, request: Request, server_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        server = selectors.get(context=self.caller, server_id=server_id)
        action, value = self._asked(request)
        for rule in (action.policy, *action.others, *permissions.of_action(self.caller, action, server, value)):
            policy.check(self.caller, rule, {"project_id": server.project_id})
        with audit.action(action.event, "server", server.id):
            check_body(action, value, self.version)
            arguments = self._arguments(action, value)
            answer = server_actions.perform(context=self.caller, server=server, action=action, arguments=arguments)
        if action.makes_image:
            return self._image(answer, named=arguments.get("rotation") != 0)
        if isinstance(answer, Rebuild):
            return self._rebuilt(answer)
        if action.answer and self.version in action.answer_versions:
            return Response({action.answer: answer} if answer is not None else {})
        return Response(status=action.code)

    def _image(self, image_id: Any, *, named: bool) -> Response:
        """Name the image: until 2.44 by the address that the proxy below 2.36 has for it, then in a document.

        A backup that is rotated away at once has no address.
        """
        if self.version in NAMES_IMAGES:
            return Response({"image_id": image_id}, status=status.HTTP_202_ACCEPTED)
        links = base.Links(self.request._request)
        headers = {"Location": f"{links.images}/{image_id}"} if image_id and named else {}
        return Response(status=status.HTTP_202_ACCEPTED, headers=headers)

    def _arguments(self, action: ServerAction, value: Any) -> dict[str, Any]:
        if action.key in SERIALIZERS:
            return {
                **self.parse(self.request, action.key, SERIALIZERS[action.key]),
                "reimage": self.version in REIMAGES,
            }
        given = action.arguments(value)
        if action is actions.RESCUE:
            given["volume_backed"] = self.version in RESCUES_VOLUMES
        if action is actions.EVACUATE and self.version in STAYS_OFF:
            given["stopped"] = True
        if action is actions.LIVE_MIGRATE and self.version not in LATER:
            given["checked"] = True
        return given

    def renderer(self) -> documents.Renderer:
        """A rebuild answers with the fields that an update shows."""
        return documents.Renderer(
            request=self.request._request, version=self.version, admin=self.caller.is_admin, update=True
        )

    def _rebuilt(self, rebuild: Rebuild) -> Response:
        server = rebuild.server
        document = self.full([server], show=True)[0]
        if self.version in WITH_KEY:
            document["key_name"] = server.key_name
        document.pop("OS-EXT-SRV-ATTR:user_data", None)  # a rebuild's answer has it under its short name
        if self.version in WITH_USER_DATA:
            document["user_data"] = server.user_data or None
        if settings.ENABLE_INSTANCE_PASSWORD:
            document["adminPass"] = rebuild.admin_password
        location = self.request.build_absolute_uri(f"/compute/v2.1/servers/{server.id}")
        return Response({"server": document}, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def _asked(self, request: Request) -> tuple[ServerAction, Any]:
        body = request.data
        if not isinstance(body, dict) or len(body) != 1:
            raise BadRequest("The request body must be an object with exactly one action.")
        key, value = next(iter(body.items()))
        action = actions.of_api().get(key)
        if action is None:
            raise actions.refusal(str(key)) or BadRequest(f"There is no such action: {str(key)[:64]}")
        if self.version not in action.versions:
            raise NotFound(f"API version '{self.version}' is not supported on this method.")
        return action, value if self.version in action.body_versions else None


def check_body(action: ServerAction, value: Any, version: Version | None = None) -> None:
    """Raise BadRequest (400) naming the first field that the action's schema refuses."""
    for error in _validator(action, version).iter_errors(value):
        field = error.absolute_path[-1] if error.absolute_path else action.key
        raise BadRequest(f"Invalid input for field/attribute {field}: it must be {error.schema['description']}.")


@cache
def _validator(action: ServerAction, version: Version | None) -> Draft202012Validator:
    return Draft202012Validator(_json_schema(action.body_of(version) if version else action.body))


def _json_schema(schema: Any) -> Any:
    """Return OpenAPI 3.0's schema as JSON Schema, which says in other words that a value may be null."""
    if not isinstance(schema, Mapping):
        return schema
    converted = {key: _json_schema(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") and "type" in converted:
        converted["type"] = [converted["type"], "null"]
    if schema.get("nullable") and "oneOf" in converted:
        converted["oneOf"] = [*converted["oneOf"], {"type": "null"}]
    return converted
