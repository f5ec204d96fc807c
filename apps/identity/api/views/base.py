"""Common parts of identity's views: rules about rows that may be missing, lists within a domain, lists and items."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.serializers import Serializer

from apps.common import policy
from apps.common.api import collections
from apps.common.api.documents import next_link
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import BadRequest
from apps.identity.api.documents.base import envelope, linked
from apps.identity.api.listing import LISTING
from apps.identity.api.openapi import IdentitySchema
from apps.identity.api.views.targets import of_group as target_of_group
from apps.identity.api.views.targets import of_project as target_of_project
from apps.identity.api.views.targets import of_role as target_of_role
from apps.identity.api.views.targets import of_user as target_of_user
from apps.identity.api.views.targets import of_written_user as target_of_written_user
from apps.identity.states import DEFAULT_DOMAIN_ID

__all__ = [
    "IdentityView",
    "Response",
    "target_of_group",
    "target_of_project",
    "target_of_role",
    "target_of_user",
    "target_of_written_user",
]


Row = TypeVar("Row", bound=Model)


class IdentityView(ServiceView):
    schema = IdentitySchema()

    def parse(
        self, request: Any, key: str | None = None, serializer: type[Serializer[Any]] | None = None
    ) -> dict[str, Any]:
        """Return the body's values. Raises BadRequest (400) for another ID than the row's, as Keystone does."""
        values = super().parse(request, key, serializer)
        own = list(self.kwargs.values())
        whole = key is not None and request.method == "PATCH" and len(own) == 1
        if whole and request.data[key].get("id", own[0]) != own[0]:
            raise BadRequest("Cannot change ID")
        return values

    def authorize(self, rule: str, target: dict[str, Any] | None = None) -> None:
        """Raise PolicyForbidden (403) unless ``identity:<rule>`` allows the call on ``target``.

        Rules can use the IDs of the path too, as in Keystone: ``user_id:%(user_id)s``.
        """
        policy.check(self.caller, f"identity:{rule}", self._whole_target(target))

    def allows(self, rule: str, target: dict[str, Any] | None = None) -> bool:
        """Return whether ``identity:<rule>`` allows the call on ``target``."""
        return policy.allowed(self.caller, f"identity:{rule}", self._whole_target(target))

    def _whole_target(self, target: dict[str, Any] | None) -> dict[str, Any]:
        """Return the target of a rule: the path's IDs, the domain of the caller's token, and ``target``."""
        return {**self.kwargs, "caller.domain_id": self.caller.domain_id, **(target or {})}

    def within_own_domain(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Return those of ``rows`` that a token for a domain sees: its domain's, as in Keystone. Others see all."""
        domain_id = self.caller.domain_id
        return rows if domain_id is None else rows.filter(domain_id=domain_id)

    @property
    def own_domain_id(self) -> str:
        """Return the domain that new things go to when the request names none."""
        caller = self.caller
        return caller.domain_id or caller.project_domain_id or caller.user_domain_id or DEFAULT_DOMAIN_ID

    def listed(self, key: str, rows: QuerySet[Any], render: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the page of ``rows`` that the query requests, cut at the settings' limit and marked as truncated."""
        return self.enveloped(key, collections.read(rows, self.request.query_params, LISTING), render)

    def enveloped(self, key: str, page: collections.Page, render: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the document of a page."""
        answer = envelope(self.request, key, (render(row) for row in page.rows))
        if page.more:
            answer["links"]["next"] = next_link(self.request, marker=page.rows[-1].pk)[0]["href"]
        return {**answer, "truncated": True} if page.truncated else answer


class Noun(IdentityView, collections.Noun):
    """``path`` is the collection's path behind ``/v3``, if it is not ``plural``."""

    path: ClassVar[str] = ""

    def linked(self, row: Any) -> dict[str, Any]:
        """Return a row's document with the link to itself."""
        return linked(self.request, self.path or self.plural, self.render(row))


class Collection(Noun, collections.Collection):
    """List and create. The rules are ``list_<plural>`` and ``create_<noun>`` where a view says no other."""

    listing = LISTING

    def permit(self, action: str, row: Any = None) -> None:
        self.authorize(f"list_{self.plural}")

    def rows(self) -> QuerySet[Any]:
        """Return the rows that the caller may see and the query selects."""
        raise NotImplementedError

    def values(self, request: Any) -> dict[str, Any]:
        """Check the rule of a new row and return its validated values."""
        self.authorize(f"create_{self.noun}")
        return self.parse(request, self.noun)

    def make(self, values: dict[str, Any]) -> Any:
        """Make a row."""
        raise NotImplementedError

    def envelope(self, page: collections.Page) -> dict[str, Any]:
        return self.enveloped(self.plural, page, self.linked)

    def post(self, request: Any) -> Response:
        return Response({self.noun: self.linked(self.make(self.values(request)))}, status=201)


class CollectionOfDomain(Collection):
    """A list within a domain: the one that the query names, or that of the caller's token, if it is for a domain."""

    def permit(self, action: str, row: Any = None) -> None:
        domain_id = self.caller.domain_id or self.request.query_params.get("domain_id")
        target = {"target.domain_id": domain_id, "target.group.domain_id": domain_id}
        self.authorize(f"list_{self.plural}", target)


class ReadOnlyItem(Noun, collections.ReadOnlyItem):
    """One row. Its rule is checked first, also for a row that is missing: only who may see any row gets 404."""

    before_row = ("show", "update", "delete")

    def id_of(self, text: str) -> str:
        """Return a URL's id as it is: identity has ids of any form."""
        return text

    def target(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the target of a rule about a row that may be missing."""
        return {}

    def permit(self, action: str, row: Any = None) -> None:
        verb = "get" if action == "show" else action
        self.authorize(f"{verb}_{self.noun}", self.target(*self.kwargs.values(), written=verb != "get"))

    def document(self, row: Any) -> dict[str, Any]:
        return {self.noun: self.linked(row)}


class Item(ReadOnlyItem, collections.Item):
    """One row that is changed and deleted by its ids: services look for it themselves, under a lock."""

    def change(self, *args: Any, **kwargs: Any) -> Any:
        """Change the row with these ids and return it. Raises NotFound (404)."""
        raise NotImplementedError

    def remove(self, *args: Any, **kwargs: Any) -> None:
        """Delete the row with these ids. Raises NotFound (404)."""
        raise NotImplementedError

    def patch(self, request: Any, **ids: str) -> Response:
        self.permit("update")
        return Response(self.document(self.change(*ids.values(), self.parse(request, self.noun))))

    def delete(self, request: Any, **ids: str) -> Response:
        self.permit("delete")
        self.remove(*ids.values())
        return Response(status=self.code_of_delete)
