"""Requests to sign in, and the document that a token is shown as."""

from typing import Any

from rest_framework import serializers

from apps.identity import multi_factor
from apps.identity.api.serializers.base import TextField
from apps.identity.services.authentication import AuthRequest, Name
from apps.identity.states import Scope

_METHODS = 8  # names in one request; a name twice is refused (OSSA 2014-013)


class DomainName(serializers.Serializer[Any]):
    id = TextField(required=False)
    name = TextField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("it must have an id or a name")
        return attrs


class Named(serializers.Serializer[Any]):
    """An id, or a name with the domain it is unique in."""

    id = TextField(required=False)
    name = TextField(required=False)
    domain = DomainName(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "id" not in attrs and not ("name" in attrs and "domain" in attrs):
            raise serializers.ValidationError("it must have an id, or a name and a domain")
        return attrs


class PasswordUser(Named):
    # An empty or null password is a wrong one; the length is checked before hashing.
    password = TextField(max_length=None, allow_blank=True, allow_null=True)


class PasswordMethod(serializers.Serializer[Any]):
    user = PasswordUser()


class PasscodeUser(Named):
    passcode = TextField(max_length=64)


class PasscodeMethod(serializers.Serializer[Any]):
    user = PasscodeUser()


class CredentialMethod(serializers.Serializer[Any]):
    """An id, or a name with the user whose it is."""

    id = TextField(required=False)
    name = TextField(required=False)
    user = Named(required=False)
    secret = TextField(max_length=None, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "id" not in attrs and not ("name" in attrs and "user" in attrs):
            raise serializers.ValidationError("it must have an id, or a name and a user")
        return attrs


class TokenMethod(serializers.Serializer[Any]):
    id = TextField(max_length=8192)


class Identity(serializers.Serializer[Any]):
    methods = serializers.ListField(child=TextField(max_length=64), min_length=1, max_length=_METHODS)
    password = PasswordMethod(required=False)
    token = TokenMethod(required=False)
    application_credential = CredentialMethod(required=False)
    totp = PasscodeMethod(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        methods = attrs["methods"]
        if len(set(methods)) != len(methods):
            raise serializers.ValidationError({"methods": "a method must not be named twice"})
        for method in sorted(multi_factor.SUPPORTED):
            if method in methods and method not in attrs:
                raise serializers.ValidationError({method: "This field is required."})
        return attrs


class TrustName(serializers.Serializer[Any]):
    id = TextField(max_length=64)


class AuthSerializer(serializers.Serializer[Any]):
    """The object under ``auth``."""

    identity = Identity()
    scope = serializers.JSONField(required=False)

    def validate_scope(self, value: Any) -> dict[str, Any]:
        """Return {"scope": Scope, "target": values}; Horizon sends the string "unscoped"."""
        if value == "unscoped" or (isinstance(value, dict) and "unscoped" in value):
            return {"scope": Scope.UNSCOPED}
        if not isinstance(value, dict) or len(value) != 1:
            raise serializers.ValidationError("it must name exactly one of project, domain and system")
        kind, data = next(iter(value.items()))
        if kind == "system":
            if not isinstance(data, dict) or data.get("all") is not True:
                raise serializers.ValidationError({"system": 'it must be {"all": true}'})
            return {"scope": Scope.SYSTEM}
        if kind == "OS-TRUST:trust":
            trust = TrustName(data=data)
            if not trust.is_valid():
                raise serializers.ValidationError({kind: trust.errors})
            return {"trust_id": trust.validated_data["id"]}
        if kind not in ("project", "domain"):
            raise serializers.ValidationError("it must name exactly one of project, domain and system")
        parsed = (Named if kind == "project" else DomainName)(data=data)
        if not parsed.is_valid():
            raise serializers.ValidationError({kind: parsed.errors})
        return {"scope": Scope(kind), "target": parsed.validated_data}


def _name(values: dict[str, Any]) -> Name:
    domain = values.get("domain", {})
    return Name(
        id=values.get("id"), name=values.get("name"), domain_id=domain.get("id"), domain_name=domain.get("name")
    )


def sign_in_of(values: dict[str, Any], *, remote_address: str) -> AuthRequest:
    """Return the request of validated values."""
    identity, scope = values["identity"], values.get("scope") or {}
    user = identity.get("password", {}).get("user")
    device = identity.get("totp", {}).get("user")
    credential = identity.get("application_credential") or {}
    return AuthRequest(
        methods=tuple(identity["methods"]),
        user=_name(user) if user else None,
        password=user["password"] if user else None,
        passcode_user=_name(device) if device else None,
        passcode=device["passcode"] if device else None,
        token=identity.get("token", {}).get("id"),
        credential=Name(id=credential.get("id"), name=credential.get("name")) if credential else None,
        credential_user=_name(credential["user"]) if "user" in credential else None,
        secret=credential.get("secret"),
        trust_id=scope.get("trust_id"),
        scope=scope.get("scope"),
        target=_name(scope["target"]) if "target" in scope else None,
        remote_address=remote_address,
    )
