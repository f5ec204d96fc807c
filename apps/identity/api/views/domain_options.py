"""``/v3/domains/{domain_id}/config``: a domain's own options, and the defaults."""

from typing import Any

from apps.identity import domain_options as known
from apps.identity.api.serializers import domain_options as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.selectors import domain_options as selectors
from apps.identity.selectors import domains
from apps.identity.services import domain_options

_EXAMPLE = {"config": {"identity": {"list_limit": 100}}}


class DomainConfigPartView(IdentityView):
    """A group of options, or one of them."""

    request_serializers = {"patch": serializers.DomainConfigSerializer}
    examples = {"PATCH": _EXAMPLE}

    def get(self, request: Any, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        if group == known.SECURITY:
            self.authorize("get_security_compliance_domain_config")
            return Response({"config": selectors.security_compliance(domain_id, option)})
        self.authorize("get_domain_config")
        return Response({"config": selectors.part(domains.get(domain_id).pk, group, option)})

    def patch(self, request: Any, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        self.authorize("update_domain_config")
        config = self.parse(request)["config"]
        domain_options.update(domain_id=domain_id, config=config, group=group, option=option)
        return Response({"config": selectors.config(domain_id)})

    def delete(self, request: Any, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        self.authorize("delete_domain_config")
        domain_options.delete(domain_id=domain_id, group=group, option=option)
        return Response(status=204)


class DomainConfigView(DomainConfigPartView):
    """All of a domain's options."""

    request_serializers = {"put": serializers.DomainConfigSerializer, "patch": serializers.DomainConfigSerializer}
    examples = {"PUT": _EXAMPLE, "PATCH": _EXAMPLE}

    def put(self, request: Any, domain_id: str) -> Response:
        """Put the options given in the place of all that there were."""
        self.authorize("create_domain_config")
        is_new = domain_options.replace(domain_id=domain_id, config=self.parse(request)["config"])
        return Response({"config": selectors.config(domain_id)}, status=201 if is_new else 200)


class DefaultConfigView(IdentityView):
    def get(self, request: Any, group: str | None = None, option: str | None = None) -> Response:
        self.authorize("get_domain_config_default")
        return Response({"config": selectors.default_part(group, option)})
