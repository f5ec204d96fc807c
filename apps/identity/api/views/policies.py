"""``/v3/policies``: documents that services keep here. Celerity reads none of them."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import policies as documents
from apps.identity.api.serializers import policies as serializers
from apps.identity.api.views.base import Collection, Item, Noun
from apps.identity.models import Policy
from apps.identity.selectors import policies as selectors
from apps.identity.services import policies


class _Policies(Noun):
    noun, plural = "policy", "policies"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class PoliciesView(_Policies, Collection):
    request_serializers = {"post": serializers.PolicySerializer}

    def rows(self) -> QuerySet[Policy]:
        return selectors.listed(self.request.query_params.dict())

    def make(self, values: dict[str, Any]) -> Policy:
        return policies.create(values=values)


class PolicyView(_Policies, Item):
    request_serializers = {"patch": serializers.PolicyUpdateSerializer}

    def load(self, key: str) -> Policy:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Policy:
        return policies.update(policy_id=key, changes=changes)

    def remove(self, key: str) -> None:
        policies.delete(policy_id=key)
