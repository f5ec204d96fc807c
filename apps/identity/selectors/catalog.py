"""The service catalog as a token shows it."""

from typing import Any

from apps.identity import url_names
from apps.identity.models import Endpoint


def catalog(*, user_id: str, project_id: str | None) -> list[dict[str, Any]]:
    """Return every enabled service that has an endpoint, in one query.

    An endpoint whose URL needs a project is left out where the token has none, as in Keystone.
    """
    values = {"user_id": user_id, "project_id": project_id, "tenant_id": project_id}
    services: dict[str, dict[str, Any]] = {}
    rows = Endpoint.objects.filter(enabled=True, service__enabled=True).select_related("service")
    for endpoint in rows.order_by("service__type", "service_id", "interface", "id"):
        url = url_names.fill(endpoint.url, values)
        if url is None:
            continue
        service = endpoint.service
        entry = services.setdefault(
            service.pk, {"endpoints": [], "id": service.pk, "type": service.type, "name": service.name}
        )
        entry["endpoints"].append(
            {
                "id": endpoint.pk,
                "interface": endpoint.interface,
                "region_id": endpoint.region_id,
                "region": endpoint.region_id,
                "url": url,
            }
        )
    return list(services.values())
