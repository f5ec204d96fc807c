"""Who has more power than a manager of its domain may hand out, and is therefore out of that manager's reach."""

from django.db.models import Q
from django.utils import timezone

from apps.identity.models import Group, Role, RoleAssignment, Trust, User
from apps.identity.selectors import roles
from apps.identity.states import PRIVILEGED_ROLES


def beyond_manager(actor: User | Group) -> bool:
    """Return whether a user (directly, by a group or by a trust) or a group has roles that its domain's manager cannot
    assign.

    That is: any role on the system, any role on another domain or on what belongs to one, and within its own domain
    the roles of administrators and services, or one that implies them. Who sets somebody's password, or gets into a
    group, has all that these have. 4 queries at most.
    """
    if isinstance(actor, User) and (actor.is_superuser or actor.is_staff):
        return True
    mighty = _mighty()
    outside = ~Q(domain_id=actor.domain_id) & ~Q(project__domain_id=actor.domain_id)
    whose = Q(group=actor) if isinstance(actor, Group) else Q(user=actor) | Q(group__memberships__user=actor)
    if RoleAssignment.objects.filter(whose).filter(Q(system=True) | outside | Q(role_id__in=mighty)).exists():
        return True
    return isinstance(actor, User) and _is_trusted_with_more(actor, mighty)


def _mighty() -> set[str]:
    """Return the ids of the roles that no manager gives, and of those that imply one."""
    named = Q()
    for name in PRIVILEGED_ROLES:  # rules compare roles' names without regard to case
        named |= Q(name__iexact=name)
    role_ids = set(Role.objects.filter(named, domain=None).values_list("id", flat=True))
    return role_ids | {role_id for role_id, implied in roles.closures().items() if role_ids & set(implied)}


def _is_trusted_with_more(user: User, mighty: set[str]) -> bool:
    """Return whether somebody trusts the user with such a role, or with one on what belongs to another domain."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    beyond = ~Q(project__domain_id=user.domain_id) | Q(roles__in=mighty)
    return Trust.objects.filter(unexpired, beyond, trustee=user).exists()
