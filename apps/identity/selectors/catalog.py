"""The service catalog as a token shows it."""

from typing import Any

from apps.identity import url_names
from apps.identity.models import Endpoint
from apps.identity.selectors import endpoint_groups


def catalog(*, user_id: str, project_id: str | None) -> list[dict[str, Any]]:
    """Return every enabled service that has an endpoint, in two queries.

    An endpoint whose URL needs a project is left out where the token has none, as in Keystone. A project that was given
    endpoints (OS-EP-FILTER) sees those alone; one that was given none, or no enabled one, sees all.
    """
    values = {"user_id": user_id, "project_id": project_id, "tenant_id": project_id}
    services: dict[str, dict[str, Any]] = {}
    for endpoint in _endpoints(project_id):
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


def _endpoints(project_id: str | None) -> list[Endpoint]:
    rows = Endpoint.objects.filter(enabled=True, service__enabled=True).select_related("service")
    found = list(rows.order_by("service__type", "service_id", "interface", "id"))
    chosen = endpoint_groups.chosen_by(project_id) if project_id is not None else None
    return [row for row in found if chosen(row)] or found if chosen is not None else found
