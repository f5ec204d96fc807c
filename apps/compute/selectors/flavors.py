"""Reading flavors. A private flavor does not exist for projects without access (OSSA 2013-019, 2013-024)."""

from django.db.models import F, Q, QuerySet

from apps.common import pagination
from apps.common.api import queries
from apps.common.context import RequestContext
from apps.common.sql.rows import Rows
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
    *,
    context: RequestContext,
    is_public: bool | None = True,
    min_ram: int = 0,
    min_disk: int = 0,
    name: str | None = None,
) -> QuerySet[Flavor]:
    """Return the flavors of a list: ``is_public`` None is both kinds; only administrators choose.

    ``name`` is a regular expression. Raises BadRequest (400) for one that is not taken.
    """
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
    rows = rows.filter(**conditions) if conditions else rows
    return rows.filter(queries.matching("name", name, "name")) if name else rows


def _context(project_id: str, *, admin: bool) -> RequestContext:
    return RequestContext(project_id=project_id, is_admin=admin)


_LIST = {
    admin: Rows(
        f"compute_flavors_{'all' if admin else 'visible'}",
        lambda project, admin=admin: listed(context=_context(project, admin=admin)).order_by(
            F("flavor_id").asc(nulls_last=True)
        )[: pagination.MAX_LIMIT + 1],
        {"project": str},
    )
    for admin in (True, False)
}
_ONE = {
    admin: Rows(
        f"compute_flavor_{'any' if admin else 'visible'}",
        lambda project, flavor, admin=admin: _reachable(_context(project, admin=admin)).filter(flavor_id=flavor),
        {"project": str, "flavor": str},
    )
    for admin in (True, False)
}


def first_page(*, context: RequestContext) -> tuple[list[Flavor], bool]:
    """Return the rows of a list without parameters, and whether there are more."""
    rows = _LIST[context.is_admin].fetch(project=context.project_id)
    return rows[: pagination.MAX_LIMIT], len(rows) > pagination.MAX_LIMIT


def _reachable(context: RequestContext) -> QuerySet[Flavor]:
    return everything() if context.is_admin else visible(context=context)


def get(*, context: RequestContext, flavor_id: str) -> Flavor:
    """Raises FlavorNotFound (404)."""
    flavor = _ONE[context.is_admin].first(project=context.project_id, flavor=flavor_id)
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
