"""Writing QoS policies, and giving them to what they limit. Callers have checked policy (``api/permissions.py``)."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi
from apps.networking.models import FloatingIP, Network, Port, QosPolicy, Router
from apps.networking.selectors import qos_policies as selectors
from apps.networking.services import ownership, rbac_policies, shared_use
from apps.networking.services.shared_objects import SHARED

_COLUMNS = ("name", "description", "is_default")


def create(*, context: RequestContext, values: dict[str, Any]) -> QosPolicy:
    """Make a policy without rules. Raises DefaultQosPolicyExists (409)."""
    project_id = ownership.of(context=context, values=values)
    try:
        with transaction.atomic():
            policy = QosPolicy.objects.create(project_id=project_id, **_columns(values))
            if values.get("shared"):
                rbac_policies.open_to_all(policy, SHARED)
    except IntegrityError:
        raise exceptions.DefaultQosPolicyExists(project_id=project_id) from None
    return selectors.get(context=context, policy_id=policy.id)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in _COLUMNS if key in values}


def update(*, context: RequestContext, policy: QosPolicy, values: dict[str, Any]) -> QosPolicy:
    """Change a policy. Raises DefaultQosPolicyExists, and QosPolicyInUse for one that others use if it is not shared
    any more (409).
    """
    try:
        with transaction.atomic():
            if values.get("shared", policy.shared) != policy.shared:
                _share(policy, values["shared"])
            QosPolicy.objects.filter(id=policy.id).update(
                **_columns(values), revision_number=F("revision_number") + 1, updated_at=timezone.now()
            )
    except IntegrityError:
        raise exceptions.DefaultQosPolicyExists(project_id=policy.project_id) from None
    return selectors.get(context=context, policy_id=policy.id)


def _share(policy: QosPolicy, wanted: bool) -> None:
    """Let everybody use a policy, or no longer; projects that RBAC policies name keep it."""
    if locks.qos_policy_to_delete(policy.id) is None:
        raise exceptions.QosPolicyNotFound(id=policy.id)
    if wanted:
        rbac_policies.open_to_all(policy, SHARED)
    else:
        _refuse_foreign_users(policy)
        rbac_policies.close_to_all(policy, SHARED)


def _refuse_foreign_users(policy: QosPolicy) -> None:
    allowed = [policy.project_id, *policy.shared_with]
    for noun, model in (("network", Network), ("port", Port), ("floatingip", FloatingIP), ("router", Router)):
        rows: Any = model.objects.filter(qos_policy=policy).exclude(project_id__in=allowed)
        if (user := rows.first()) is not None:
            raise exceptions.QosPolicyInUse(id=policy.id, noun=noun, user_id=user.id)


def delete(*, policy: QosPolicy) -> None:
    """Delete a policy with its rules. Raises QosPolicyInUse (409)."""
    with transaction.atomic():
        if locks.qos_policy_to_delete(policy.id) is None:
            raise exceptions.QosPolicyNotFound(id=policy.id)
        for noun, user_id in selectors.users(policy_id=policy.id):
            raise exceptions.QosPolicyInUse(id=policy.id, noun=noun, user_id=user_id)
        with rbac_policies.forgotten(policy):
            QosPolicy.objects.filter(id=policy.id).delete()


def check_change(*, context: RequestContext, values: dict[str, Any], held_id: uuid.UUID | None = None) -> None:
    """Refuse to give a policy that the caller does not see, and to take such a one away.

    Raises QosPolicyNotFound (404), QosPolicyNotYours (403).
    """
    if "qos_policy_id" not in values or values["qos_policy_id"] == held_id:
        return
    if held_id is not None and not selectors.visible(context=context).filter(id=held_id).exists():
        raise exceptions.QosPolicyNotYours(id=held_id)
    if values["qos_policy_id"] is not None:
        selectors.get(context=context, policy_id=values["qos_policy_id"])


def keep(*, context: RequestContext, policy_id: uuid.UUID | None, held_id: uuid.UUID | None = None) -> None:
    """Hold a policy that was just given, until the commit. Call it last.

    Raises QosPolicyNotFound (404), also for one that is shared with the caller no longer and was not held before.
    """
    if policy_id is None:
        return
    policy = locks.qos_policy(policy_id)
    if policy is None or (policy_id != held_id and not shared_use.may_use(context, policy)):
        raise exceptions.QosPolicyNotFound(id=policy_id)


def tell_users(*, policy_id: uuid.UUID) -> None:
    """Have all that a policy limits programmed again: the worker skips ports that nobody holds. 4 queries."""
    networks = list(Network.objects.filter(qos_policy_id=policy_id).values_list("id", flat=True))
    ports = Port.objects.filter(qos_policy_id=policy_id)
    routers = Router.objects.filter(qos_policy_id=policy_id)
    rpcapi.changed(
        networks=networks,
        ports=list(ports.values_list("id", flat=True)),
        routers=list(routers.values_list("id", flat=True)),
        floating_ips=_leading(Q(qos_policy_id=policy_id) | Q(floating_network_id__in=networks)),
    )


def tell_network(*, network_id: uuid.UUID) -> None:
    """Have the floating IPs of a network programmed again, whose policy changed."""
    rpcapi.changed(floating_ips=_leading(Q(floating_network_id=network_id)))


def _leading(which: Q) -> list[uuid.UUID]:
    return list(FloatingIP.objects.filter(which, router__isnull=False).values_list("id", flat=True))
