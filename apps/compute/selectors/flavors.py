"""Reading flavors. A private flavor does not exist for projects without access (OSSA 2013-019, 2013-024)."""

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.compute.exceptions import ExtraSpecNotFound, FlavorNotFound
from apps.compute.models import Flavor, FlavorAccess


def visible(*, context: RequestContext) -> QuerySet[Flavor]:
    """Return the flavors that the caller may use."""
    return Flavor.objects.filter(_open_to(context), disabled=False)


def _open_to(context: RequestContext) -> Q:
    mine = FlavorAccess.objects.filter(project_id=context.project_id).values("flavor_id")
    return Q(is_public=True) | Q(id__in=mine)


def everything() -> QuerySet[Flavor]:
    return Flavor.objects.all()


def listed(
    *, context: RequestContext, is_public: bool | None = True, min_ram: int = 0, min_disk: int = 0
) -> QuerySet[Flavor]:
    """Return the flavors of a list: ``is_public`` None is both kinds; only administrators choose."""
    if not context.is_admin:
        rows = visible(context=context)
    elif is_public is None:
        rows = everything()
    elif is_public:
        rows = everything().filter(_open_to(context))
    else:
        rows = everything().filter(is_public=False)
    asked = {"ram_mib__gte": min_ram, "disk_gib__gte": min_disk}
    conditions = {name: least for name, least in asked.items() if least > 0}
    return rows.filter(**conditions) if conditions else rows


def get(*, context: RequestContext, flavor_id: str) -> Flavor:
    """Raises FlavorNotFound (404)."""
    rows = everything() if context.is_admin else visible(context=context)
    flavor = rows.filter(flavor_id=flavor_id).first()
    if flavor is None:
        raise FlavorNotFound(flavor=flavor_id[:255])
    return flavor


def extra_spec(*, flavor: Flavor, key: str) -> str:
    """Raises ExtraSpecNotFound (404)."""
    if key not in flavor.extra_specs:
        raise ExtraSpecNotFound(flavor=flavor.flavor_id, key=key[:255])
    return str(flavor.extra_specs[key])


def projects_of(*, flavor: Flavor) -> list[str]:
    """Return the projects that may use a private flavor."""
    return sorted(flavor.access.values_list("project_id", flat=True))
