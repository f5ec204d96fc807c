"""``/v3/domains``."""

from typing import Any

from apps.identity.api.documents import domains as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import domains as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import domains as selectors
from apps.identity.services import domains


class DomainsView(IdentityView):
    request_serializers = {"post": serializers.DomainSerializer}
    examples = {"POST": {"domain": {"name": "", "description": ""}}}

    def get(self, request: Any) -> Response:
        params = request.query_params.dict()
        self.authorize("list_domains", {"target.domain.id": self.caller.domain_id})
        rows = selectors.listed(params)
        if self.caller.domain_id is not None:
            rows = rows.filter(pk=self.caller.domain_id)
        return Response(many(request, "domains", rows, lambda row: one(request, "domains", documents.render(row))))

    def post(self, request: Any) -> Response:
        self.authorize("create_domain")
        domain = domains.create(values=self.parse(request, "domain"))
        return Response({"domain": one(request, "domains", documents.render(domain))}, status=201)


class DomainView(IdentityView):
    request_serializers = {"patch": serializers.DomainUpdateSerializer}

    def get(self, request: Any, domain_id: str) -> Response:
        self.authorize("get_domain", {"target.domain.id": domain_id})
        return Response({"domain": one(request, "domains", documents.render(selectors.get(domain_id)))})

    def patch(self, request: Any, domain_id: str) -> Response:
        self.authorize("update_domain", {"target.domain.id": domain_id})
        domain = domains.update(domain_id=domain_id, changes=self.parse(request, "domain"))
        return Response({"domain": one(request, "domains", documents.render(domain))})

    def delete(self, request: Any, domain_id: str) -> Response:
        self.authorize("delete_domain", {"target.domain.id": domain_id})
        domains.delete(domain_id=domain_id)
        return Response(status=204)
