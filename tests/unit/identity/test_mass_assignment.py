"""A body cannot set protected columns of any model, shown or not (OSSA 2020-004)."""

from typing import Any

import pytest
from django.db.models import Model

from apps.identity import models
from apps.identity.api.serializers.credentials import CredentialUpdateSerializer
from apps.identity.api.serializers.domains import DomainUpdateSerializer
from apps.identity.api.serializers.endpoint_groups import EndpointGroupUpdateSerializer
from apps.identity.api.serializers.endpoints import EndpointUpdateSerializer
from apps.identity.api.serializers.groups import GroupUpdateSerializer
from apps.identity.api.serializers.limits import LimitUpdateSerializer, RegisteredLimitUpdateSerializer
from apps.identity.api.serializers.policies import PolicyUpdateSerializer
from apps.identity.api.serializers.projects import ProjectUpdateSerializer
from apps.identity.api.serializers.regions import RegionSerializer
from apps.identity.api.serializers.roles import RoleUpdateSerializer
from apps.identity.api.serializers.services import ServiceUpdateSerializer
from apps.identity.api.serializers.users import UserUpdateSerializer
from apps.identity.services import credentials
from tests.isolation.routes import calls
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db
# noun -> collection, model, and what may be changed
KINDS: dict[str, tuple[str, type[Model], Any]] = {
    "user": ("users", models.User, UserUpdateSerializer),
    "group": ("groups", models.Group, GroupUpdateSerializer),
    "project": ("projects", models.Project, ProjectUpdateSerializer),
    "domain": ("domains", models.Project, DomainUpdateSerializer),
    "role": ("roles", models.Role, RoleUpdateSerializer),
    "region": ("regions", models.Region, RegionSerializer),
    "service": ("services", models.Service, ServiceUpdateSerializer),
    "endpoint": ("endpoints", models.Endpoint, EndpointUpdateSerializer),
    "credential": ("credentials", models.Credential, CredentialUpdateSerializer),
    "policy": ("policies", models.Policy, PolicyUpdateSerializer),
    "limit": ("limits", models.Limit, LimitUpdateSerializer),
    "registered_limit": ("registered_limits", models.RegisteredLimit, RegisteredLimitUpdateSerializer),
    "endpoint_group": ("OS-EP-FILTER/endpoint_groups", models.EndpointGroup, EndpointGroupUpdateSerializer),
}
# Declared only so that what names another owner is refused: it never changes.
FIXED = {"id", "user_id", "project_id", "domain_id", "is_domain", "parent_id"}
FREE = {"endpoint": {"service_id", "region_id"}, "region": {"parent_id", "parent_region_id"}}
LIMITS = {"registered_limit": {"service_id", "region_id"}}
# Columns that follow from what may be set.
DERIVED = {"extra", "description", "url", "bootstrap_url"}


@pytest.fixture
def rows(cloud: None, demo: models.User, project: models.Project) -> dict[str, str]:
    service = models.Service.objects.get(type="image")
    registered = models.RegisteredLimit.objects.create(service=service, resource_name="r", default_limit=1)
    credential = models.Credential.objects.create(
        id="c", user=demo, project=project, type="t", blob=credentials.seal("b")
    )
    limit = models.Limit.objects.create(registered_limit=registered, project=project, resource_limit=2)
    made: dict[str, Model] = {
        "user": demo,
        "project": project,
        "credential": credential,
        "service": service,
        "registered_limit": registered,
        "limit": limit,
        "group": models.Group.objects.create(name="g", domain_id="default"),
        "domain": models.Domain.objects.create(name="d"),
        "role": models.Role.objects.create(name="r"),
        "region": models.Region.objects.create(id="r"),
        "endpoint": models.Endpoint.objects.filter(service=service)[0],
        "policy": models.Policy.objects.create(type="t", blob="b"),
        "endpoint_group": models.EndpointGroup.objects.create(name="e", filters={"interface": "public"}),
    }
    return {noun: str(row.pk) for noun, row in made.items()}


def hostile(field: Any, other: str) -> Any:
    """Return a value that the column would take, and that it does not have."""
    kind = field.get_internal_type()
    return {"BooleanField": True, "DateTimeField": "2099-01-01T00:00:00Z", "PositiveIntegerField": 99, "JSONField": {
        "x": 1}, "IntegerField": 99}.get(kind, other)  # fmt: skip


def protected(noun: str) -> list[Any]:
    """Return the columns that no request may change."""
    _, model, serializer = KINDS[noun]
    free = FREE.get(noun, set()) | LIMITS.get(noun, set())
    settable = (set(serializer().fields) - FIXED) | free | DERIVED
    return [
        field for field in model._meta.concrete_fields if field.attname not in settable and field.name not in settable
    ]


def stored(noun: str, pk: str) -> dict[str, Any]:
    names = [field.attname for field in protected(noun)]
    return dict(KINDS[noun][1].objects.values(*names).get(pk=pk))


@pytest.mark.parametrize("noun", KINDS)
def test_what_no_request_changes(as_admin: Api, admin: models.User, rows: dict[str, str], noun: str) -> None:
    before, columns = stored(noun, rows[noun]), protected(noun)
    assert columns
    for field in columns:
        for name in {field.name, field.attname}:
            path = f"/v3/{KINDS[noun][0]}/{rows[noun]}"
            answer = as_admin.call("patch", path, {noun: {name: hostile(field, admin.pk)}})
            assert answer.status_code in (200, 400, 403), (name, answer.content)
            assert stored(noun, rows[noun]) == before, name
            shown = as_admin.call("get", path).json()[noun]
            assert shown["id"] == rows[noun], name


@pytest.mark.parametrize("noun", ["user", "project", "group", "role", "credential"])
def test_what_no_request_chooses(as_admin: Api, admin: models.User, rows: dict[str, str], noun: str) -> None:
    least = {"credential": {"type": "t", "blob": "b"}}.get(noun, {"name": "new"})
    own = {"id", "is_superuser", "is_staff", "tokens_valid_after", "failed_auth_count", "created_at", "last_login"}
    columns = [field for field in protected(noun) if field.attname in own | {"application_credential_id"}]
    values = {field.attname: hostile(field, admin.pk) for field in columns}
    answer = as_admin.call("post", f"/v3/{KINDS[noun][0]}", {noun: {**least, **values}})
    assert answer.status_code == 201, answer.content
    row = KINDS[noun][1].objects.get(pk=answer.json()[noun]["id"])
    assert row.pk != admin.pk
    assert [name for name, value in values.items() if str(getattr(row, name)) == str(value)] == []


def test_every_kind_that_can_be_changed_is_here() -> None:
    """Except options of domains, which have no columns, and v2.0, which shares the services of these views."""
    routes = {call.route for call in calls() if call.method == "patch" and call.route.startswith("identity/v3/")}
    known = {f"identity/v3/{collection}" for collection, _, _ in KINDS.values()}
    assert {route for route in routes if route.rsplit("/", 1)[0] not in known and "/config" not in route} == set()
