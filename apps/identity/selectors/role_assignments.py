"""Who has which role where, as assigned and as it works out."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.db.models import Model, Q, QuerySet

from apps.identity.models import Group, GroupMembership, Project, Role, RoleAssignment, User
from apps.identity.selectors import filters, pages, projects, roles

INHERITED_TO = "scope.OS-INHERIT:inherited_to"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One role of one actor on one target. An effective one has the assignment that it follows from as ``stated``.

    ``prior_role_id``: the role that directly implies this one, if it is not the assigned one.
    """

    role_id: str
    user_id: str | None = None
    group_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    inherited: bool = False
    stated: "Grant | None" = None
    prior_role_id: str | None = None

    @property
    def source(self) -> "Grant":
        """Return the assignment behind this one; of a stated one itself."""
        return self.stated or self


def named(grants: Iterable[Grant]) -> dict[str, dict[str, Model]]:
    """Return kind -> id -> row, with its domain, of all that grants name. 1 query a kind."""
    grants = list(grants)
    ids: dict[str, tuple[type[Model], Iterable[str | None]]] = {
        "user": (User, (grant.user_id for grant in grants)),
        "group": (Group, (grant.group_id for grant in grants)),
        "role": (Role, (grant.role_id for grant in grants)),
        "project": (Project, (grant.project_id for grant in grants)),
        "domain": (Project, (grant.domain_id for grant in grants)),
    }
    return {kind: _by_id(model, {pk for pk in keys if pk}) for kind, (model, keys) in ids.items()}


def _by_id(model: type[Model], ids: set[str]) -> dict[str, Model]:
    rows = model._default_manager.select_related("domain").filter(pk__in=ids)
    return {row.pk: row for row in rows}


def exists(**values: object) -> bool:
    """Return whether exactly this assignment exists (all seven columns count)."""
    return rows_of(**values).exists()


def rows_of(**values: object) -> QuerySet[RoleAssignment]:
    columns = {"user_id": None, "group_id": None, "project_id": None, "domain_id": None, "system": False}
    return RoleAssignment.objects.filter(**{**columns, "inherited": False, **values})


def roles_of(**values: object) -> QuerySet[Role]:
    """Return the roles assigned to one actor on one target."""
    return Role.objects.filter(pk__in=rows_of(**values).values("role_id"))


def asks(params: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter that needs no value (``?effective``) is present and not false."""
    return name in params and filters.STYLE.boolean(params[name], name)


def listed(params: Mapping[str, str], *, domain_id: str | None = None) -> tuple[list[Grant], bool]:
    """Return the rows that match Keystone's filters, and whether the settings' limit truncated them.

    ``effective`` works out groups, inheritance and implications: one row for each way in which a role is held, as in
    Keystone. ``domain_id``: only on that domain and its projects.
    """
    rows = RoleAssignment.objects.order_by("id")
    if domain_id is not None:
        rows = rows.filter(Q(domain_id=domain_id) | Q(project__domain_id=domain_id))
    wanted = _targets(params)
    if not asks(params, "effective"):
        chosen, more = pages.cut(rows.filter(_stated(params, wanted)))
        return [_grant(row) for row in chosen], more
    chosen, fewer_rows = pages.cut(rows.filter(_sources(params, wanted)).distinct())
    given, fewer_members = _members([_grant(row) for row in chosen], params.get("user.id"))
    matching = (grant for grant in _implied(_spread(given)) if _matches(grant, params, wanted))
    grants, more = pages.cut(matching)
    return grants, more or fewer_rows or fewer_members


def users_on(project: Project) -> QuerySet[User]:
    """Return who has a role on a project: itself, through a group, or from above."""
    above = [row.pk for row in projects.ancestors(project)]
    here = Q(project=project, inherited=False) | Q(_of(above), inherited=True)
    # A domain-specific role grants only the roles that it implies.
    rows = RoleAssignment.objects.filter(here, Q(role__domain=None) | Q(role__implications__isnull=False))
    members = GroupMembership.objects.filter(group_id__in=rows.exclude(group=None).values("group_id"))
    alone = rows.exclude(user=None).values("user_id")
    return User.objects.filter(Q(pk__in=alone) | Q(pk__in=members.values("user_id")))


def _of(target_ids: Collection[str]) -> Q:
    return Q(project_id__in=target_ids) | Q(domain_id__in=target_ids)


def _grant(row: RoleAssignment) -> Grant:
    return Grant(
        role_id=row.role_id,
        user_id=row.user_id,
        group_id=row.group_id,
        project_id=row.project_id,
        domain_id=row.domain_id,
        system=row.system,
        inherited=row.inherited,
    )


def _targets(params: Mapping[str, str]) -> set[str] | None:
    """Return the project ids asked for (the subtree too with include_subtree), or None for all."""
    project_id = params.get("scope.project.id")
    if project_id is None:
        return None
    wanted = {project_id}
    if asks(params, "include_subtree"):
        top = projects.find(project_id)
        wanted |= {row.pk for row in projects.below(top)} if top else set()
    return wanted


def _stated(params: Mapping[str, str], wanted: set[str] | None) -> Q:
    condition = Q()
    for key, column in (("user.id", "user_id"), ("group.id", "group_id"), ("role.id", "role_id")):
        if key in params:
            condition &= Q(**{column: params[key]})
    if wanted is not None:
        condition &= Q(project_id__in=wanted)
    if "scope.domain.id" in params:
        condition &= Q(domain_id=params["scope.domain.id"])
    return condition & _of_kind(params)


def _of_kind(params: Mapping[str, str]) -> Q:
    """Return the condition for the system, and for assignments that are inherited (or, with another word, are not)."""
    condition = Q()
    if "scope.system" in params:
        condition &= Q(system=True)
    if INHERITED_TO in params:
        condition &= Q(inherited=params[INHERITED_TO] == "projects")
    return condition


def _sources(params: Mapping[str, str], wanted: set[str] | None) -> Q:
    """Return the condition on assignments from which an effective one that matches may follow."""
    condition = Q()
    if "user.id" in params:
        user_id = params["user.id"]
        condition &= Q(user_id=user_id) | Q(group__memberships__user_id=user_id)
    if "role.id" in params:
        role_id = params["role.id"]
        priors = [prior for prior, implied in roles.closures().items() if role_id in implied]
        condition &= Q(role_id__in=[role_id, *priors])
    if wanted is not None:
        top = projects.find(params["scope.project.id"])
        above = {row.pk for row in projects.ancestors(top)} if top else set()
        condition &= Q(project_id__in=wanted, inherited=False) | Q(_of(wanted | above), inherited=True)
    if "scope.domain.id" in params:
        condition &= Q(domain_id=params["scope.domain.id"], inherited=False)
    return condition & _of_kind(params)


def _members(grants: list[Grant], user_id: str | None) -> tuple[Iterator[Grant], bool]:
    """Expand a group's assignments to its members, or to ``user_id`` only; and return whether some were left out."""
    groups = {grant.group_id for grant in grants if grant.group_id}
    rows = GroupMembership.objects.filter(group_id__in=groups).order_by("id")
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    pairs, more = pages.cut(rows.values_list("group_id", "user_id"))
    members: dict[str, list[str]] = {}
    for group_id, member_id in pairs:
        members.setdefault(group_id, []).append(member_id)
    # One by one: many grants of a large group are more than anybody reads.
    shared = (
        replace(grant, user_id=member_id or grant.user_id, group_id=None, stated=grant)
        for grant in grants
        for member_id in (members.get(grant.group_id, []) if grant.group_id else [None])
    )
    return shared, more


def _spread(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Put inherited roles on every project below their target."""
    children = None
    for grant in grants:
        if not grant.inherited:
            yield grant
            continue
        if children is None:
            children = _children()
        waiting = list(children.get(grant.project_id or grant.domain_id or "", []))
        while waiting:
            project_id = waiting.pop()
            yield replace(grant, project_id=project_id, domain_id=None)
            waiting += children.get(project_id, [])


def _children() -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for project_id, parent_id in Project.objects.filter(is_domain=False).values_list("id", "parent_id"):
        children.setdefault(str(parent_id), []).append(project_id)
    return children


def _implied(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Add the roles that each role implies, and leave out domain-specific roles, which only group others."""
    closures = roles.closures()
    local = set(Role.objects.exclude(domain=None).values_list("id", flat=True))
    for grant in grants:
        held: dict[str, str | None] = {grant.role_id: None, **closures.get(grant.role_id, {})}
        for role_id in sorted(held.keys() - local):
            yield replace(grant, role_id=role_id, prior_role_id=held[role_id])


def _matches(grant: Grant, params: Mapping[str, str], wanted: set[str] | None) -> bool:
    if wanted is not None and grant.project_id not in wanted:
        return False
    pairs = (
        ("user.id", grant.user_id),
        ("role.id", grant.role_id),
        ("scope.domain.id", grant.domain_id),
    )
    if any(key in params and params[key] != value for key, value in pairs):
        return False
    return grant.system or "scope.system" not in params
