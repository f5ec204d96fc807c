"""``/v3/domains``."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import domains as documents
from apps.identity.api.serializers import domains as serializers
from apps.identity.api.views.base import Collection, Item, Noun
from apps.identity.models import Domain
from apps.identity.selectors import domains as selectors
from apps.identity.services import domains


class _Domains(Noun):
    noun, plural = "domain", "domains"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class DomainsView(_Domains, Collection):
    request_serializers = {"post": serializers.DomainSerializer}
    examples = {"POST": {"domain": {"name": "", "description": ""}}}

    def permit(self, action: str, row: Any = None) -> None:
        self.authorize("list_domains", {"target.domain.id": self.caller.domain_id})

    def rows(self) -> QuerySet[Domain]:
        rows = selectors.listed(self.request.query_params.dict())
        return rows if self.caller.domain_id is None else rows.filter(pk=self.caller.domain_id)

    def make(self, values: dict[str, Any]) -> Domain:
        return domains.create(values=values)


class DomainView(_Domains, Item):
    request_serializers = {"patch": serializers.DomainUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return {"target.domain.id": key}

    def load(self, key: str) -> Domain:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Domain:
        return domains.update(domain_id=key, changes=changes)

    def remove(self, key: str) -> None:
        domains.delete(domain_id=key)
