"""How callers sign in, for the API reference, and the key around every object that identity takes and gives."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import inline_serializer

from apps.common.api.schema import AutoSchema

# The last words of a path -> the key around one object, if it is not the last word without its s.
_KEYS = {
    "policies": "policy",
    "policy": "policy",
    "tokens": "auth",
    "password": "user",
    "enabled": "user",
    "implies": "role_inference",
    "role_inferences": "role_inference",
    "OS-EC2": "credential",
    "ec2tokens": "credentials",
}
_FLAT = ("OS-EC2", "tags", "config")  # bodies that have their keys in the serializer, or none
_BATCHES = ("limits", "registered_limits")  # a POST holds a list


_made: dict[str, Any] = {}


def _around(name: str, **fields: Any) -> Any:
    """Return the component of this name, the same one each time: two of one name would be an error."""
    if name not in _made:
        _made[name] = inline_serializer(name, fields)
    return _made[name]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.identity.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-Auth-Token",
            "description": "The X-Subject-Token of `POST /identity/v3/auth/tokens`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.identity.api.authentication.BrowserSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class IdentitySchema(AutoSchema):
    """Bodies have a key around them, which is the path's noun."""

    @property
    def _words(self) -> list[str]:
        return [word for word in self.path.strip("/").split("/")[2:] if not word.startswith("{")]

    @property
    def _noun(self) -> str:
        words = self._words
        if "config" in words:
            return "config"
        if words[-1] == "OS-KSADM":
            return "roles"
        return words[-1]

    @property
    def _key(self) -> str:
        if "OS-KSADM/services" in self.path:
            return "OS-KSADM:service"
        return _KEYS.get(self._noun, self._noun.removesuffix("s"))

    def _wrapped(self, serializer: Any) -> Any:
        if self._noun in _FLAT or self._key in serializer().get_fields():
            return serializer
        if self._noun in _BATCHES and self.method == "POST":
            return _around(self._body_name(serializer, "NewList"), **{self._noun: serializer(many=True)})
        return _around(self._body_name(serializer, "Body"), **{self._key: serializer()})

    def _body_name(self, serializer: Any, ending: str) -> str:
        """Return the name of the component around a serializer: the key's, and the serializer's where they differ."""
        version = "V2" if "/v2.0" in self.path else ""
        key = self._key.replace(":", "_").replace("-", "_").title().replace("_", "")
        name = serializer.__name__.removesuffix("Serializer")
        return f"Identity{version}{name if name.startswith(key) else key + name}{ending}"
