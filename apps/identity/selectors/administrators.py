"""Who administers the system: by the role admin there, by a group or a role that implies it, by bootstrap's flags."""

from django.db.models import Q

from apps.identity.models import GroupMembership, Role, RoleAssignment, User
from apps.identity.selectors import roles


def exist(*, user_id: str | None = None) -> bool:
    """Return whether an enabled user administers the system; with ``user_id``, whether that one does. 4 queries."""
    powers = set(Role.objects.filter(name__iexact="admin", domain=None).values_list("id", flat=True))
    powers |= {role_id for role_id, implied in roles.closures().items() if powers & set(implied)}
    given = RoleAssignment.objects.filter(system=True, role_id__in=powers)
    members = GroupMembership.objects.filter(group_id__in=given.exclude(group=None).values("group_id"))
    found = User.objects.filter(
        Q(is_staff=True, is_superuser=True)
        | Q(pk__in=given.exclude(user=None).values("user_id"))
        | Q(pk__in=members.values("user_id")),
        enabled=True,
        domain__enabled=True,
    )
    return (found if user_id is None else found.filter(pk=user_id)).exists()
