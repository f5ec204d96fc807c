"""Reading QoS policies, their rules, and what uses them."""

import uuid
from collections.abc import Iterator

from django.db.models import Prefetch, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import FloatingIP, Network, Port, QosPolicy, QosRule, Router
from apps.networking.selectors import sharing


def visible(*, context: RequestContext) -> QuerySet[QosPolicy]:
    """Policies the caller may see: its project's, and shared ones; all for administrators."""
    rows = QosPolicy.objects.prefetch_related(Prefetch("rules", QosRule.objects.order_by("kind", "direction")))
    return sharing.visible(rows, context)


def get(*, context: RequestContext, policy_id: uuid.UUID) -> QosPolicy:
    """Return a policy the caller may see. Raises QosPolicyNotFound (404)."""
    policy = visible(context=context).filter(id=policy_id).first()
    if policy is None:
        raise exceptions.QosPolicyNotFound(id=policy_id)
    return policy


def default_id(*, project_id: str) -> uuid.UUID | None:
    """Return the policy of a project's new networks, if it has one. 1 query."""
    return QosPolicy.objects.filter(project_id=project_id, is_default=True).values_list("id", flat=True).first()


def users(*, policy_id: uuid.UUID) -> Iterator[tuple[str, uuid.UUID]]:
    """Yield (noun, id) of what has a policy, one of each noun at most."""
    for noun, rows in (
        ("network", Network.objects.filter(qos_policy_id=policy_id)),
        ("port", Port.objects.filter(qos_policy_id=policy_id)),
        ("floatingip", FloatingIP.objects.filter(qos_policy_id=policy_id)),
        ("router", Router.objects.filter(qos_policy_id=policy_id)),
    ):
        key = rows.values_list("id", flat=True).first()
        if key is not None:
            yield noun, key
