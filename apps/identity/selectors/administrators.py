"""Who administers the system: by the role admin there, by a group or a role that implies it, by bootstrap's flags."""

from django.db.models import Q

from apps.identity.models import GroupMembership, Role, RoleAssignment, User
from apps.identity.selectors import roles


def exist(*, user_id: str | None = None) -> bool:
    """Return whether an enabled user administers the system; with ``user_id``, whether that one does. 4 queries."""
    admin_roles = set(Role.objects.filter(name__iexact="admin", domain=None).values_list("id", flat=True))
    admin_roles |= {role_id for role_id, implied in roles.closures().items() if admin_roles & set(implied)}
    given = RoleAssignment.objects.filter(system=True, role_id__in=admin_roles)
    members = GroupMembership.objects.filter(group_id__in=given.exclude(group=None).values("group_id"))
    users = User.objects.filter(
        Q(is_staff=True, is_superuser=True)
        | Q(pk__in=given.exclude(user=None).values("user_id"))
        | Q(pk__in=members.values("user_id")),
        enabled=True,
        domain__enabled=True,
    )
    return (users if user_id is None else users.filter(pk=user_id)).exists()
