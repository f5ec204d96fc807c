"""Common parts of the views of Glance's collections: pages with ``first`` and ``next``, and an image by its ID."""

import uuid
from typing import Any, ClassVar

from apps.common import policy
from apps.common.api import collections
from apps.common.api.collections import Listing, Page
from apps.common.api.documents import query_link
from apps.common.api.views import ServiceView
from apps.common.identifiers import parse_uuid
from apps.images.api import permissions
from apps.images.exceptions import ImageNotFound
from apps.images.models import Image
from apps.images.selectors import images as selectors


def image_id_of(text: str) -> uuid.UUID:
    """Return the id in a URL. Raises ImageNotFound (404) for an invalid ID: clients look up names that way."""
    key = parse_uuid(text)
    if key is None:
        raise ImageNotFound(id=text[:255])
    return key


class ImageView(ServiceView):
    """A view of one image, or of its parts."""

    def image(self, text: str, rule: str | None = None) -> Image:
        """Return the image of a URL's id, if a rule lets the caller act on it; no rule: if the caller may see it.

        Raises ImageNotFound (404), PolicyForbidden (403). 1 query.
        """
        image = selectors.get_visible(context=self.caller, image_id=image_id_of(text))
        if rule is not None:
            permissions.check(self.caller, rule, image)
        return image


class ReadOnlyItem(collections.ReadOnlyItem):
    """One row. Rules of reading look at no row; those of changes look at its owner."""

    before_row = ("show",)
    rules: ClassVar[dict[str, str]]  # action -> rule

    def id_of(self, text: str) -> str:
        """Return a URL's id as selectors take it: images have UUIDs, and all else has a name."""
        return text

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, self.rules[action], {"project_id": row.project_id} if row is not None else None)

    def document(self, row: Any) -> dict[str, Any]:
        return self.render(row)


class Item(ReadOnlyItem, collections.Item):
    """One row that can be deleted."""


class Collection(collections.Collection):
    """``path`` is the list's address as Glance writes it, without the service's prefix, which clients prepend."""

    path: ClassVar[str]

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, self.rules[action])

    rules: ClassVar[dict[str, str]]

    def mark_of(self, row: Any) -> str:
        """Return a row's marker."""
        return str(row.id)

    def envelope(self, page: Page) -> dict[str, Any]:
        params = self.request.query_params
        body: dict[str, Any] = {
            self.plural: [self.render(row) for row in page.rows],
            "first": query_link(self.path, params),
            "schema": f"/v2/schemas/{self.path.removeprefix('/v2/')}",
        }
        if page.more and page.rows:
            body["next"] = query_link(self.path, params, marker=self.mark_of(page.rows[-1]))
        return body


class WholeCollection(collections.Collection):
    """A list that Glance never cuts into pages; ``schema_path`` is the address of its schema ("": it names none)."""

    listing: ClassVar[Listing | None] = None
    schema_path: ClassVar[str] = ""

    def envelope(self, page: Page) -> dict[str, Any]:
        body = super().envelope(page)
        return {**body, "schema": self.schema_path} if self.schema_path else body
