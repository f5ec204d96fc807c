"""Names of projects and users by their ids, for pages that show many, and the other way round for searches."""

from collections.abc import Iterable

from apps.identity.models import Project, User


def of_projects(*, project_ids: Iterable[str]) -> dict[str, str]:
    """Return id -> name of those that are there. 1 query."""
    return dict(Project.objects.filter(id__in=set(project_ids)).values_list("id", "name"))


def of_users(*, user_ids: Iterable[str]) -> dict[str, str]:
    """Return id -> name of those that are there. 1 query."""
    return dict(User.objects.filter(id__in=set(user_ids)).values_list("id", "name"))


def project_ids_like(*, text: str, limit: int = 100) -> list[str]:
    """Return the ids of projects whose names contain ``text``. 1 query."""
    rows = Project.objects.filter(is_domain=False, name__icontains=text)
    return list(rows.values_list("id", flat=True)[:limit])


def choices_of_projects(*, limit: int = 1000) -> list[tuple[str, str]]:
    """Return (id, "name (domain)") by name, for forms. 1 query."""
    rows = Project.objects.filter(is_domain=False).order_by("name", "id").values_list("id", "name", "domain__name")
    return [(key, f"{name} ({domain})") for key, name, domain in rows[:limit]]


def choices_of_domains(*, limit: int = 1000) -> list[tuple[str, str]]:
    """Return (id, name) by name, for forms. 1 query."""
    return list(Project.objects.filter(is_domain=True).order_by("name").values_list("id", "name")[:limit])
