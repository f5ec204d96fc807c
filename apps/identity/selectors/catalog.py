"""The service catalog as a token shows it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import FilteredRelation, Q

from apps.identity import url_names
from apps.identity.models import Endpoint, Service
from apps.identity.selectors import endpoint_groups


def catalog(*, user_id: str, project_id: str | None) -> list[dict[str, Any]]:
    """Return every enabled service, those without endpoints too, in two queries.

    An endpoint whose URL needs a project is left out where the token has none, as in Keystone. A project that was given
    endpoints (OS-EP-FILTER) sees those alone and the services that they are of; one that was given none, or no enabled
    one, sees all.
    """
    values = {"user_id": user_id, "project_id": project_id, "tenant_id": project_id}
    chosen = endpoint_groups.chosen_by(project_id) if project_id is not None else None
    rows = _rows()
    shown = {
        row.endpoint.pk for row in rows if row.endpoint is not None and chosen is not None and chosen(row.endpoint)
    }
    services: dict[str, dict[str, Any]] = {}
    for row in rows:
        if shown and (row.endpoint is None or row.endpoint.pk not in shown):
            continue
        entry = services.setdefault(
            row.service_id, {"endpoints": [], "id": row.service_id, "type": row.kind, "name": row.name}
        )
        url = url_names.fill(row.endpoint.url, values) if row.endpoint is not None else None
        if row.endpoint is not None and url is not None:
            entry["endpoints"].append(_document(row.endpoint, url))
    return list(services.values())


def _document(endpoint: Endpoint, url: str) -> dict[str, Any]:
    return {
        "id": endpoint.pk,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "region": endpoint.region_id,
        "url": url,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A service with one of its enabled endpoints, or without if it has none."""

    service_id: str
    kind: str
    name: str
    endpoint: Endpoint | None


def _rows() -> list[_Row]:
    """Return the enabled services with their endpoints. 1 query."""
    joined = Service.objects.filter(enabled=True).annotate(
        endpoint=FilteredRelation("endpoints", condition=Q(endpoints__enabled=True))
    )
    columns = ("id", "type", "name", "endpoint__id", "endpoint__interface", "endpoint__region_id", "endpoint__url")
    rows = []
    for pk, kind, name, endpoint_id, interface, region_id, url in joined.order_by(
        "type", "id", "endpoint__interface", "endpoint__id"
    ).values_list(*columns):
        endpoint = None
        if endpoint_id is not None:
            endpoint = Endpoint(id=endpoint_id, service_id=pk, interface=interface, region_id=region_id, url=url)
        rows.append(_Row(service_id=pk, kind=kind, name=name, endpoint=endpoint))
    return rows
