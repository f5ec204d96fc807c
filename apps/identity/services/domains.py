"""Writing domains."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import DomainEnabled, Forbidden, Invalid, NotFound
from apps.identity.models import Domain, Project
from apps.identity.services import project_resources, row_writes
from apps.identity.states import DEFAULT_DOMAIN_ID


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Domain:
    domain = Domain(name=values["name"], is_domain=True)
    row_writes.merge(domain, values, ("description", "enabled", "tags", "options", "extra"))
    with row_writes.unique("domain", f"name {domain.name}"):
        domain.save(force_insert=True)
    audit.record("create", "domain", domain.pk)
    return domain


@transaction.atomic
def update(*, domain_id: str, changes: Mapping[str, Any]) -> Domain:
    """Change a domain. Disabling ends at once every token of its users and for its projects."""
    domain = locks.row(Domain.objects.all(), domain_id)
    if domain is None:
        raise NotFound(noun="domain", id=domain_id[:64])
    row_writes.refuse_immutable("domain", domain, changes)
    if changes.get("is_domain", True) is not True:
        raise Invalid(field="is_domain", reason="it cannot be changed")
    if changes.get("enabled") is False and domain.enabled:
        domain.tokens_valid_after = Now()
    row_writes.merge(domain, changes, ("name", "description", "enabled", "tags", "options", "extra"))
    with row_writes.unique("domain", f"name {domain.name}"):
        domain.save()
    audit.record("update", "domain", domain.pk, details={"changed": sorted(changes)})
    return domain


@transaction.atomic
def delete(*, domain_id: str) -> None:
    """Delete a disabled domain with its users, groups and projects; refused while a project in it owns anything."""
    domain = locks.row(Domain.objects.all(), domain_id)
    if domain is None:
        raise NotFound(noun="domain", id=domain_id[:64])
    if domain.pk == DEFAULT_DOMAIN_ID:
        raise Forbidden("Cannot delete the default domain.")
    row_writes.refuse_immutable("domain", domain)
    if domain.enabled:
        raise DomainEnabled
    projects = list(Project.objects.filter(domain_id=domain.pk).order_by("pk").values_list("pk", flat=True))
    for project_id in projects:
        project_resources.refuse_owning(project_id)
    locks.users_to_delete(domain.pk)
    domain.delete()
    for project_id in projects:
        project_resources.drop_leftovers(project_id)
    audit.record("delete", "domain", domain_id)
