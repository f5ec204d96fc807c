"""Reading flavors. A private flavor does not exist for projects without access (OSSA 2013-019, 2013-024)."""

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.compute.exceptions import FlavorNotFound
from apps.compute.models import Flavor, FlavorAccess


def visible(*, context: RequestContext) -> QuerySet[Flavor]:
    """Return the flavors that the caller may use."""
    mine = FlavorAccess.objects.filter(project_id=context.project_id).values("flavor_id")
    return Flavor.objects.filter(Q(is_public=True) | Q(id__in=mine), disabled=False)


def everything() -> QuerySet[Flavor]:
    return Flavor.objects.all()


def get(*, context: RequestContext, flavor_id: str) -> Flavor:
    """Raises FlavorNotFound (404)."""
    rows = everything() if context.is_admin else visible(context=context)
    flavor = rows.filter(flavor_id=flavor_id).first()
    if flavor is None:
        raise FlavorNotFound(flavor=flavor_id[:255])
    return flavor


def projects_of(*, flavor: Flavor) -> list[str]:
    """Return the projects that may use a private flavor."""
    return sorted(flavor.access.values_list("project_id", flat=True))
