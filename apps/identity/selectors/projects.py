"""Reading projects."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.common.api import queries
from apps.identity.exceptions import NotFound
from apps.identity.models import Project
from apps.identity.selectors import filters
from apps.identity.sql import projects as sql


def find(project_id: str) -> Project | None:
    """Return the project or the domain (a domain is a project too) with this id, or None."""
    return Project.objects.filter(pk=project_id).first()


def get(project_id: str) -> Project:
    """Raises NotFound."""
    project = find(project_id)
    if project is None:
        raise NotFound(noun="project", id=project_id[:64])
    return project


def by_name(*, name: str, domain_id: str) -> Project | None:
    return Project.objects.filter(name=name, domain_id=domain_id, is_domain=False).first()


def any_named(name: str) -> Project | None:
    """Return the only project of that name in any domain; None when there is none, or several."""
    matches = list(Project.objects.filter(name=name, is_domain=False)[:2])
    return matches[0] if len(matches) == 1 else None


def listed(params: Mapping[str, str]) -> QuerySet[Project]:
    """Return projects that match the query; domains only with ``is_domain=true``."""
    rows = Project.objects.filter(is_domain=filters.STYLE.boolean(params.get("is_domain", "false"), "is_domain"))
    rows = filters.apply(rows, params, texts=("name", "domain_id", "parent_id"), booleans=("enabled",))
    return _tagged(rows, params)


def _tagged(rows: QuerySet[Project], params: Mapping[str, str]) -> QuerySet[Project]:
    """Apply tags (all), tags-any, not-tags (not all) and not-tags-any."""

    asked = {name: [word for word in params.get(name, "").split(",") if word] for name in queries.TAGS}
    return queries.by_tags(rows, asked)


def of_user(*, user_id: str, enabled_only: bool = True) -> QuerySet[Project]:
    """Return the projects on which the user has any role."""
    ids = RawSQL(sql.OF_USER, (user_id, user_id))  # noqa: S611 (a constant; what users say is in the parameters)
    rows = Project.objects.filter(pk__in=ids, is_domain=False)
    return rows.filter(Q(enabled=True, domain__enabled=True)) if enabled_only else rows


def ancestors(project: Project) -> list[Project]:
    """Return the projects above, the nearest first; the last one is the domain."""
    above, parent_id = [], project.parent_id
    while parent_id is not None:
        parent = Project.objects.get(pk=parent_id)
        above.append(parent)
        parent_id = parent.parent_id
    return above


def below(project: Project) -> list[Project]:
    """Return the whole subtree under a project, level by level, in one query a level."""
    subtree: list[Project] = []
    level: Sequence[str] = [project.pk]
    while level:
        rows = list(Project.objects.filter(parent_id__in=level))
        subtree += rows
        level = [row.pk for row in rows]
    return subtree


def names(project_ids: Iterable[str]) -> dict[str, str]:
    """Return id -> name of those that are there. 1 query."""
    return dict(Project.objects.filter(pk__in=list(project_ids)).values_list("pk", "name"))
