"""Tokens as documents."""

from typing import Any

from rest_framework import serializers

from apps.identity.api.documents.base import time_of_microseconds, zoneless_time_text
from apps.identity.selectors.delegations import Delegated
from apps.identity.selectors.scopes import DomainOrProject, ScopedUser
from apps.identity.selectors.tokens import Token
from apps.identity.states import Scope


class TokenAnswer(serializers.Serializer[Any]):
    """A token's document; the token itself is the header X-Subject-Token."""

    token = serializers.DictField()


def _named(place: DomainOrProject) -> dict[str, Any]:
    return {"id": place.id, "name": place.name}


def _scope(scoped_user: ScopedUser) -> dict[str, Any]:
    if scoped_user.scope is Scope.SYSTEM:
        return {"system": {"all": True}}
    if scoped_user.scope is Scope.DOMAIN and scoped_user.target:
        return {"domain": _named(scoped_user.target)}
    if scoped_user.scope is Scope.PROJECT and scoped_user.target and scoped_user.target_domain:
        return {
            "project": {**_named(scoped_user.target), "domain": _named(scoped_user.target_domain)},
            "is_domain": False,
        }
    return {}


def _delegation(given: Delegated | None) -> dict[str, Any]:
    if given is None:
        return {}
    if given.kind == "trust":
        return {
            "OS-TRUST:trust": {
                "id": given.id,
                "impersonation": given.impersonation,
                "trustor_user": {"id": given.trustor_id},
                "trustee_user": {"id": given.trustee_id},
            }
        }
    document: dict[str, Any] = {"id": given.id, "name": given.name, "restricted": not given.unrestricted}
    if given.access_rules:
        document["access_rules"] = [
            {"id": rule_id, "service": service, "method": method, "path": path}
            for service, method, path, rule_id in given.access_rules
        ]
    return {"application_credential": document}


def render(token: Token, catalog: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return ``{"token": …}``; ``catalog`` None leaves it out."""
    payload, scoped_user = token.payload, token.scoped_user
    document: dict[str, Any] = {
        "methods": list(payload.methods),
        "user": {
            "id": scoped_user.user_id,
            "name": scoped_user.user_name,
            "domain": _named(scoped_user.user_domain),
            "password_expires_at": zoneless_time_text(scoped_user.password_expires_at),
        },
        "audit_ids": payload.audit_ids,
        "expires_at": time_of_microseconds(payload.expires_at),
        "issued_at": time_of_microseconds(payload.issued_at),
        **_scope(scoped_user),
        **_delegation(scoped_user.delegated),
    }
    if scoped_user.scope is not Scope.UNSCOPED:
        document["roles"] = [{"id": role_id, "name": name} for role_id, name in scoped_user.roles]
        if catalog is not None:
            document["catalog"] = catalog
    return {"token": document}
