"""Who has which role where, as assigned and as it works out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from apps.identity.models import Group, GroupMembership, Project, Role, RoleAssignment, User
from apps.identity.selectors import filters, projects, roles
from apps.identity.states import PRIVILEGED_ROLES


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One role of one actor on one target. ``group_id`` beside ``user_id``: the group that brought it."""

    role_id: str
    user_id: str | None = None
    group_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    inherited: bool = False
    effective: bool = False


def exists(**values: object) -> bool:
    """Return whether exactly this assignment is there (all seven columns count)."""
    return rows_of(**values).exists()


def rows_of(**values: object) -> QuerySet[RoleAssignment]:
    columns = {"user_id": None, "group_id": None, "project_id": None, "domain_id": None, "system": False}
    return RoleAssignment.objects.filter(**{**columns, "inherited": False, **values})


def roles_of(**values: object) -> QuerySet[Role]:
    """Return the roles assigned to one actor on one target."""
    return Role.objects.filter(pk__in=rows_of(**values).values("role_id"))


def is_privileged(actor: User | Group) -> bool:
    """Return whether a user, itself or by a group, or a group has power that managers may not hand out. 3 queries."""
    named = Q()
    for name in PRIVILEGED_ROLES:  # rules compare roles' names without regard to case
        named |= Q(name__iexact=name)
    powers = set(Role.objects.filter(named, domain=None).values_list("id", flat=True))
    powers |= {role_id for role_id, implied in roles.closures().items() if powers & set(implied)}
    if isinstance(actor, Group):
        return RoleAssignment.objects.filter(group=actor, role_id__in=powers).exists()
    rows = RoleAssignment.objects.filter(Q(user=actor) | Q(group__memberships__user=actor), role_id__in=powers)
    return actor.is_superuser or rows.exists()


def listed(params: Mapping[str, str]) -> list[Grant]:
    """Return what matches Keystone's filters; ``effective`` works out groups, inheritance and implications."""
    effective = "effective" in params and filters.truth(params["effective"])
    rows = RoleAssignment.objects.order_by("id")
    if not effective:
        return [_grant(row) for row in rows.filter(_stated(params))]
    user_id = params.get("user.id")
    if user_id is not None:
        rows = rows.filter(Q(user_id=user_id) | Q(group__memberships__user_id=user_id))
    worked_out = _implied(_spread(_members([_grant(row) for row in rows])))
    unique = dict.fromkeys(worked_out)
    wanted = _targets(params)
    return [grant for grant in unique if _matches(grant, params, wanted)]


def within(domain_id: str, grants: Iterable[Grant]) -> list[Grant]:
    """Return the grants on a domain and on its projects. 1 query."""
    inside = set(Project.objects.filter(domain_id=domain_id).values_list("id", flat=True))
    return [one for one in grants if one.domain_id == domain_id or one.project_id in inside]


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
    if "include_subtree" in params and filters.truth(params["include_subtree"]):
        top = projects.find(project_id)
        wanted |= {row.pk for row in projects.below(top)} if top else set()
    return wanted


def _stated(params: Mapping[str, str]) -> Q:
    condition = Q()
    for key, column in (("user.id", "user_id"), ("group.id", "group_id"), ("role.id", "role_id")):
        if key in params:
            condition &= Q(**{column: params[key]})
    wanted = _targets(params)
    if wanted is not None:
        condition &= Q(project_id__in=wanted)
    if "scope.domain.id" in params:
        condition &= Q(domain_id=params["scope.domain.id"])
    if "scope.system" in params:
        condition &= Q(system=True)
    if "scope.OS-INHERIT:inherited_to" in params:
        condition &= Q(inherited=True)
    return condition


def _members(grants: Iterable[Grant]) -> list[Grant]:
    """Give what a group has to each of its members."""
    grants = list(grants)
    groups = {grant.group_id for grant in grants if grant.group_id}
    members: dict[str, list[str]] = {}
    for group_id, user_id in GroupMembership.objects.filter(group_id__in=groups).values_list("group_id", "user_id"):
        members.setdefault(group_id, []).append(user_id)
    found = []
    for grant in grants:
        if grant.group_id is None:
            found.append(grant)
        else:
            found += [replace(grant, user_id=user_id) for user_id in members.get(grant.group_id, [])]
    return found


def _spread(grants: Iterable[Grant]) -> list[Grant]:
    """Put inherited roles on every project below their target."""
    found, children = [], None
    for grant in grants:
        if not grant.inherited:
            found.append(grant)
            continue
        if children is None:
            children = _children()
        waiting = list(children.get(grant.project_id or grant.domain_id or "", []))
        while waiting:
            project_id = waiting.pop()
            found.append(replace(grant, project_id=project_id, domain_id=None, inherited=False))
            waiting += children.get(project_id, [])
    return found


def _children() -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for project_id, parent_id in Project.objects.filter(is_domain=False).values_list("id", "parent_id"):
        children.setdefault(str(parent_id), []).append(project_id)
    return children


def _implied(grants: Iterable[Grant]) -> list[Grant]:
    """Add what each role implies, and leave out the roles of domains, which only stand for others."""
    closures, found = roles.closures(), []
    local = set(Role.objects.exclude(domain=None).values_list("id", flat=True))
    for grant in grants:
        for role_id in {grant.role_id, *closures.get(grant.role_id, ())} - local:
            found.append(replace(grant, role_id=role_id, effective=True))
    return found


def _matches(grant: Grant, params: Mapping[str, str], wanted: set[str] | None) -> bool:
    if wanted is not None and grant.project_id not in wanted:
        return False
    pairs = (
        ("user.id", grant.user_id),
        ("group.id", grant.group_id),
        ("role.id", grant.role_id),
        ("scope.domain.id", grant.domain_id),
    )
    if any(key in params and params[key] != value for key, value in pairs):
        return False
    return grant.system or "scope.system" not in params
