"""Writing security groups. The network engine enforces their rules; bridges of hosts enforce none.

Callers have checked policy.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError, RestrictedError
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, rpcapi, states
from apps.networking.models import SecurityGroup, SecurityGroupRule
from apps.networking.selectors import security_groups as selectors
from apps.networking.services import ownership, quotas, rbac_policies

DEFAULT = "default"


def ensure_default(*, project_id: str) -> uuid.UUID:
    """Return the id of a project's default group, made at first need; of two makers one wins. 1 query."""
    group_id = selectors.default_id(project_id=project_id)
    if group_id is not None:
        return group_id
    with transaction.atomic():
        group, created = SecurityGroup.objects.get_or_create(
            project_id=project_id, name=DEFAULT, defaults={"description": "Default security group"}
        )
        if created:
            _add_rules(group, from_itself=True)
            rpcapi.changed(groups=[group.id])
    return group.id


def _add_rules(group: SecurityGroup, *, from_itself: bool) -> None:
    """Neutron's first rules: everything out; for the default group also everything in from its own members."""
    egress = [
        SecurityGroupRule(
            security_group=group, project_id=group.project_id, direction=states.EGRESS, ethertype=ethertype
        )
        for ethertype in states.ETHERTYPES
    ]
    ingress = [
        SecurityGroupRule(
            security_group=group,
            project_id=group.project_id,
            direction=states.INGRESS,
            ethertype=ethertype,
            remote_group=group,
        )
        for ethertype in states.ETHERTYPES
        if from_itself
    ]
    SecurityGroupRule.objects.bulk_create([*egress, *ingress])


def resolve(*, context: RequestContext, names_or_ids: Sequence[str] = ()) -> list[uuid.UUID]:
    """Return the ids of the groups that a request names, by name or by id; the default group when it names none.

    Raises RequestedGroupNotFound (400) and GroupAmbiguous (409), with Nova's sentences.
    """
    project_id = context.project_id or ""
    wanted = list(dict.fromkeys(str(name) for name in names_or_ids)) or [DEFAULT]
    default = ensure_default(project_id=project_id) if DEFAULT in wanted else None
    if wanted == [DEFAULT] and default is not None:
        return [default]
    ids = {text: parsed for text in wanted if (parsed := _uuid(text)) is not None}
    matches = selectors.matching(project_id=project_id, names=wanted, ids=ids.values())
    return list(dict.fromkeys(_pick(text, ids.get(text), matches, project_id) for text in wanted))


def _pick(text: str, parsed: uuid.UUID | None, groups: Sequence[tuple[uuid.UUID, str]], project_id: str) -> uuid.UUID:
    by_id = [group_id for group_id, _ in groups if group_id == parsed]
    by_name = [group_id for group_id, name in groups if name == text]
    matches = by_id or by_name
    if not matches:
        raise exceptions.RequestedGroupNotFound(id=text[:255], project_id=project_id)
    if len(matches) > 1:
        raise exceptions.GroupAmbiguous(name=text[:255])
    return matches[0]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def create(*, context: RequestContext, values: dict[str, Any]) -> SecurityGroup:
    """Make a group with the two rules that let everything out. Raises DefaultSecurityGroup (409), OverQuota (409)."""
    project_id = ownership.of(context=context, values=values)
    if values.get("name") == DEFAULT:
        raise exceptions.DefaultSecurityGroup
    ensure_default(project_id=project_id)
    with transaction.atomic():
        quotas.check(resource="security_group", project_id=project_id)
        group = SecurityGroup.objects.create(
            project_id=project_id,
            name=values.get("name", ""),
            description=values.get("description", ""),
            stateful=values.get("stateful", True),
        )
        _add_rules(group, from_itself=False)
        rpcapi.changed(groups=[group.id])
    return group


def update(*, context: RequestContext, group: SecurityGroup, values: dict[str, Any]) -> SecurityGroup:
    """Change name, description or stateful. Raises CannotChangeDefault (409)."""
    name = values.get("name", group.name)
    if name != group.name and DEFAULT in (name, group.name):
        raise exceptions.CannotChangeDefault
    SecurityGroup.objects.filter(id=group.id).update(
        **values, revision_number=F("revision_number") + 1, updated_at=timezone.now()
    )
    if values.get("stateful", group.stateful) != group.stateful:
        rpcapi.changed(groups=[group.id])
    return selectors.get(context=context, group_id=group.id)


def delete(*, context: RequestContext, group: SecurityGroup) -> None:
    """Delete a group that guards no port. Raises CannotRemoveDefault and SecurityGroupInUse (409)."""
    if group.name == DEFAULT and not context.is_admin:
        raise exceptions.CannotRemoveDefault
    try:
        with transaction.atomic():
            naming = group.remote_rules.values_list("security_group_id", flat=True)
            rpcapi.changed(groups={group.id, *naming})
            with rbac_policies.forgotten(group):
                group.delete()
    except (ProtectedError, RestrictedError, IntegrityError):
        raise exceptions.SecurityGroupInUse(id=group.id) from None
