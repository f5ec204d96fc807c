"""``?allow_expired=1`` forgives an expiry and nothing else, while the settings say so: every path, every state."""

from typing import Any

import pytest

from apps.identity import keys, payloads
from apps.identity.models import Revocation
from apps.identity.services import tokens
from tests.unit.identity.dialogue import Api, password_body, project_scope, token_body

pytestmark = pytest.mark.django_db
WINDOW = 100  # seconds
FORGIVING = ("get, forgiving", "head, forgiving")


def issued(settings: Any, lifetime: int) -> str:
    settings.TOKEN_LIFETIME_SECONDS = lifetime
    text = Api().sign_in(password_body(scope=project_scope()))["X-Subject-Token"]
    settings.TOKEN_LIFETIME_SECONDS = 3600
    return str(text)


def revoke(text: str) -> None:
    tokens.revoke(payload=payloads.unpack(keys.open_token(text)))


def shown(root: Api, text: str) -> dict[str, int]:
    """Return the answer of each path that checks a token."""
    subject, mine = {"X-Subject-Token": text}, Api()
    mine.token = text
    return {
        "get": root.call("get", "/v3/auth/tokens", **subject).status_code,
        "head": root.call("head", "/v3/auth/tokens", **subject).status_code,
        "get, forgiving": root.call("get", "/v3/auth/tokens?allow_expired=1", **subject).status_code,
        "head, forgiving": root.call("head", "/v3/auth/tokens?allow_expired=1", **subject).status_code,
        "v2.0": root.call("get", f"/v2.0/tokens/{text}").status_code,
        "v2.0 head": root.call("head", f"/v2.0/tokens/{text}").status_code,
        "v2.0, forgiving": root.call("get", f"/v2.0/tokens/{text}?allow_expired=1").status_code,
        "v2.0 endpoints": root.call("get", f"/v2.0/tokens/{text}/endpoints").status_code,
        "used": mine.call("get", "/v3/auth/projects").status_code,
        "used, forgiving": mine.call("get", "/v3/auth/projects?allow_expired=1").status_code,
        "rescoped": mine.sign_in(token_body(text, project_scope())).status_code,
        "v2.0 rescoped": mine.call("post", "/v2.0/tokens", {"auth": {"token": {"id": text}}}).status_code,
    }


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("lifetime", [60, -60, -WINDOW - 60])
def test_every_path(as_admin: Api, settings: Any, lifetime: int, revoked: bool) -> None:
    settings.ALLOW_EXPIRED_SECONDS = WINDOW
    text = issued(settings, lifetime)
    if revoked:
        revoke(text)
        revoke(issued(settings, 60))  # takes old rows away
    found = shown(as_admin, text)
    good = {place for place, code in found.items() if code in (200, 201)}
    assert set(found.values()) <= {200, 201, 401, 404}
    if revoked or lifetime < -WINDOW:
        assert good == set()
    else:
        assert good == (set(found) if lifetime > 0 else set(FORGIVING))


def test_an_expired_token_can_still_be_ended(as_admin: Api, settings: Any) -> None:
    settings.ALLOW_EXPIRED_SECONDS = WINDOW
    subject = {"X-Subject-Token": issued(settings, -60)}
    assert as_admin.call("delete", "/v3/auth/tokens", **subject).status_code == 404
    assert as_admin.call("delete", "/v3/auth/tokens?allow_expired=1", **subject).status_code == 204
    assert as_admin.call("get", "/v3/auth/tokens?allow_expired=1", **subject).status_code == 404


def test_what_nobody_is_shown_any_more_is_forgotten(cloud: None, settings: Any) -> None:
    settings.ALLOW_EXPIRED_SECONDS = WINDOW
    for lifetime in (-WINDOW - 60, -60, 60):
        revoke(issued(settings, lifetime))
    assert Revocation.objects.count() == 2
