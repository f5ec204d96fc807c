"""/os-keypairs."""

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.collections import Page
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.common.microversions import since
from apps.compute import public_keys
from apps.compute.api.documents import keypairs as documents
from apps.compute.api.listing import KEYPAIRS
from apps.compute.api.serializers import keypairs as serializers
from apps.compute.api.views.base import Collection, ComputeView, Item
from apps.compute.models import KeyPair
from apps.compute.selectors import keypairs as selectors
from apps.compute.services import keypairs

CREATED_IS_201 = since("2.2")
OTHER_USERS = since("2.10")
PAGED = since("2.35")
MAX_USER_ID = 64


class _KeyPairView(ComputeView):
    def user_of(self, verb: str, user_id: str | None = None) -> str:
        """Return whose key pairs are meant: the caller's, or since 2.10 those of ``user_id`` for administrators."""
        asked = user_id or (self.request.GET.get("user_id") if self.version in OTHER_USERS else None)
        if asked is not None and len(asked) > MAX_USER_ID:
            raise BadRequest("Invalid input for query parameters user_id. It is too long.")
        chosen = asked or str(self.caller.user_id)
        policy.check(self.caller, f"os_compute_api:os-keypairs:{verb}", {"user_id": chosen})
        return chosen


class KeyPairsView(_KeyPairView, Collection):
    """A user's key pairs; POST imports a public key or, below 2.92, generates a pair."""

    checks_query = True
    plural, listing = "keypairs", KEYPAIRS
    request_serializers = {"post": serializers.KeyPairCreate}
    examples = {"POST": {"keypair": {"name": "my-key"}}}

    def permit(self, action: str, row: Any = None) -> None:
        """The rule looks at whose key pairs they are."""

    def rows(self) -> QuerySet[KeyPair]:
        self.check_query(("limit", "marker", "user_id"))
        return selectors.of_user(user_id=self.user_of("index"))

    def render(self, row: Any) -> dict[str, Any]:
        return {"keypair": documents.render_brief(row, self.version)}

    def mark_of(self, row: Any) -> str:
        return str(row.name)

    def envelope(self, page: Page) -> dict[str, Any]:
        """Nova ignores limit and marker below 2.35; openstacksdk, which asks with 2.10, then sees an endless loop."""
        return super().envelope(page if self.version in PAGED else replace(page, more=False))

    def post(self, request: Request) -> Response:
        values = self.parse(request, "keypair")
        keypair, private_key = keypairs.create(
            user_id=self.user_of("create", values.get("user_id")),
            project_id=self.caller.project_id,
            name=values["name"],
            kind=values.get("type", public_keys.SSH),
            public_key=values.get("public_key"),
        )
        document = documents.render_created(keypair, private_key, self.version)
        return Response({"keypair": document}, status=201 if self.version in CREATED_IS_201 else 200)


class KeyPairView(_KeyPairView, Item):
    """One key pair of a user."""

    checks_query = True
    noun = "keypair"
    before_row = ("show", "delete")
    owner_id: str

    def permit(self, action: str, row: Any = None) -> None:
        self.check_query(("user_id",))
        self.owner_id = self.user_of(action)

    def load(self, name: str) -> KeyPair:
        return selectors.get(user_id=self.owner_id, name=name)

    def render(self, row: KeyPair) -> dict[str, Any]:
        return documents.render(row, self.version)

    def delete(self, request: Request, **ids: str) -> Response:
        self.permit("delete")
        keypairs.delete(user_id=self.owner_id, name=ids["name"])
        return Response(status=204 if self.version in CREATED_IS_201 else 202)
