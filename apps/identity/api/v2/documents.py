"""Identity v2.0 on the wire: users and tenants of the default domain, as old clients know them."""

from typing import Any

from apps.identity.api.documents.base import time_of_microseconds
from apps.identity.models import Endpoint, Project, Role, Service, User
from apps.identity.selectors.tokens import Token
from apps.identity.states import Interface, Scope

_URLS = {Interface.PUBLIC: "publicURL", Interface.INTERNAL: "internalURL", Interface.ADMIN: "adminURL"}


def render_tenant(project: Project) -> dict[str, Any]:
    return {
        "id": project.pk,
        "name": project.name,
        "description": project.description,
        "enabled": project.enabled,
    }


def render_user(row: User) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "username": row.name,
        "email": row.email or None,
        "enabled": row.enabled,
        "tenantId": row.default_project_id,
    }


def render_role(row: Role) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "description": row.description, "enabled": True}


def render_service(row: Service) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "type": row.type, "description": row.description}


def service_catalog(catalog: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the catalog with one entry per service and region, its three URLs side by side.

    A service without endpoints is left out: v2.0 lists endpoints.
    """
    services = []
    for service in (service for service in catalog if service["endpoints"]):
        regions: dict[str | None, dict[str, Any]] = {}
        for endpoint in service["endpoints"]:
            entry = regions.setdefault(endpoint["region"], {"region": endpoint["region"], "id": endpoint["id"]})
            interface = Interface(endpoint["interface"])
            entry[_URLS[interface]] = _url(service["type"], endpoint["url"], interface)
        services.append(
            {
                "type": service["type"],
                "name": service["name"],
                "endpoints": list(regions.values()),
                "endpoints_links": [],
            }
        )
    return services


def _url(service_type: str, url: str, interface: Interface) -> str:
    """Return where an old client finds a service.

    Identity's own version document does not name v2.0, and its admin URL is another place: only there a list of tenants
    is a list of all (Keystone had a port for it).
    """
    base = url.rstrip("/").removesuffix("/admin")
    if service_type != "identity" or not base.endswith("/identity"):
        return url
    return f"{base}/admin/v2.0" if interface is Interface.ADMIN else f"{base}/v2.0"


def render_access(text: str, token: Token, catalog: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return ``{"access": …}``; without ``catalog`` for the validation of a token."""
    payload, scoped_user = token.payload, token.scoped_user
    shown: dict[str, Any] = {
        "id": text,
        "expires": time_of_microseconds(payload.expires_at),
        "issued_at": time_of_microseconds(payload.issued_at),
        "audit_ids": payload.audit_ids,
    }
    if payload.scope is Scope.PROJECT and scoped_user.target is not None:
        shown["tenant"] = {
            "id": scoped_user.target.id,
            "name": scoped_user.target.name,
            "enabled": True,
            "description": "",
        }
    document: dict[str, Any] = {
        "token": shown,
        "user": {
            "id": scoped_user.user_id,
            "name": scoped_user.user_name,
            "username": scoped_user.user_name,
            "roles": [{"id": role_id, "name": name} for role_id, name in scoped_user.roles],
            "roles_links": [],
        },
        "metadata": {"is_admin": 0, "roles": [role_id for role_id, _ in scoped_user.roles]},
        "serviceCatalog": service_catalog(catalog or []),
    }
    return {"access": document}


def render_endpoints(rows: list[Endpoint]) -> list[dict[str, Any]]:
    """Return v2.0 endpoints: one per service and region. Its id is that of the public one, or of the first."""
    groups: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.interface != Interface.PUBLIC):
        key = (row.service_id, row.region_id)
        entry = groups.setdefault(
            key, {"id": row.pk, "region": row.region_id, "service_id": row.service_id, "enabled": row.enabled}
        )
        entry[f"{row.interface}url"] = row.url
    return list(groups.values())
