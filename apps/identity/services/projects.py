"""Writing projects."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, NotFound
from apps.identity.models import Project, User
from apps.identity.selectors import projects as selectors
from apps.identity.services import project_resources, row_writes
from apps.identity.states import MAX_PROJECT_DEPTH, MAX_TAGS


def _parent(domain_id: str | None, parent_id: str | None, default_domain_id: str) -> Project:
    """Return the project or domain to hang a new project under. Raises NotFound and Invalid."""
    parent = locks.row(Project.objects.all(), parent_id or domain_id or default_domain_id)
    if parent is None or (parent_id is None and not parent.is_domain):
        raise NotFound(noun="project" if parent_id else "domain", id=(parent_id or domain_id or "")[:64])
    own_domain = parent.pk if parent.is_domain else parent.domain_id
    if domain_id is not None and domain_id != own_domain:
        raise Invalid(field="domain_id", reason="the parent project is in another domain")
    if not parent.enabled:
        raise Forbidden(f"Cannot create a project under {parent.pk}: it is disabled.")
    if len(selectors.ancestors(parent)) + 2 > MAX_PROJECT_DEPTH:
        raise Forbidden(f"Max hierarchy depth reached for the branch of {parent.pk}: {MAX_PROJECT_DEPTH}.")
    return parent


@transaction.atomic
def create(*, values: Mapping[str, Any], default_domain_id: str) -> Project:
    """Create a project under its parent, or at the top of its domain."""
    parent = _parent(values.get("domain_id"), values.get("parent_id"), default_domain_id)
    domain_id = parent.pk if parent.is_domain else parent.domain_id
    project = Project(parent=parent, domain_id=domain_id, name=values["name"])
    row_writes.merge(project, values, ("description", "enabled", "tags", "options", "extra"))
    with row_writes.unique("project", f"name {project.name} at domain ID {domain_id}"):
        project.save(force_insert=True)
    audit.record("create", "project", project.pk)
    return project


def _may_switch(project: Project, enabled: bool) -> None:
    if enabled and any(not above.enabled for above in selectors.ancestors(project)):
        raise Forbidden(f"Cannot enable project {project.pk}: a project above it is disabled.")
    if not enabled and any(child.enabled for child in selectors.below(project)):
        raise Forbidden(f"Cannot disable project {project.pk}: its subtree contains enabled projects.")


@transaction.atomic
def update(*, project_id: str, changes: Mapping[str, Any]) -> Project:
    """Change a project. Disabling ends every token for it at once, for good."""
    project = locks.row(Project.objects.filter(is_domain=False), project_id)
    if project is None:
        raise NotFound(noun="project", id=project_id[:64])
    row_writes.refuse_immutable("project", project, changes)
    for name in ("domain_id", "is_domain"):
        if changes.get(name, getattr(project, name)) != getattr(project, name):
            raise Invalid(field=name, reason="it cannot be changed")
    if changes.get("parent_id", project.parent_id) != project.parent_id:
        raise Forbidden("Update of `parent_id` is not allowed.")
    if "enabled" in changes and changes["enabled"] != project.enabled:
        _may_switch(project, changes["enabled"])
        if not changes["enabled"]:
            project.tokens_valid_after = Now()
    row_writes.merge(project, changes, ("name", "description", "enabled", "tags", "options", "extra"))
    with row_writes.unique("project", f"name {project.name} at domain ID {project.domain_id}"):
        project.save()
    audit.record("update", "project", project.pk, details={"changed": sorted(changes)})
    return project


@transaction.atomic
def delete(*, project_id: str) -> None:
    """Delete a project that has no children and owns nothing."""
    project = locks.row(Project.objects.filter(is_domain=False), project_id)
    if project is None:
        raise NotFound(noun="project", id=project_id[:64])
    row_writes.refuse_immutable("project", project)
    if project.children.exists():
        raise Forbidden(f"Cannot delete the project {project.pk} since it is not a leaf in the hierarchy.")
    project_resources.refuse_owning(project.pk)
    User.objects.filter(default_project_id=project.pk).update(default_project_id=None)
    project.delete()
    project_resources.drop_leftovers(project_id)
    audit.record("delete", "project", project_id)


def set_tags(*, project_id: str, tags: list[str]) -> Project:
    """Replace all tags."""
    return update(project_id=project_id, changes={"tags": tags})


@transaction.atomic
def add_tag(*, project_id: str, tag: str) -> Project:
    """Add a tag; adding it twice has no effect."""
    project = locks.row(Project.objects.all(), project_id)
    if project is None:
        raise NotFound(noun="project", id=project_id[:64])
    tags = project.tags if tag in project.tags else [*project.tags, tag]
    if len(tags) > MAX_TAGS:
        raise Invalid(field="tags", reason=f"at most {MAX_TAGS} tags are allowed")
    return set_tags(project_id=project_id, tags=tags)


@transaction.atomic
def remove_tag(*, project_id: str, tag: str) -> Project:
    """Raises NotFound when the project has no such tag."""
    project = locks.row(Project.objects.all(), project_id)
    if project is None or tag not in project.tags:
        raise NotFound(noun="project tag", id=tag[:64])
    return set_tags(project_id=project_id, tags=[other for other in project.tags if other != tag])
