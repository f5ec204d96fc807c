"""Writing RBAC policies. Callers have checked policy (``api/permissions.py``).

The policies of a row are the truth; ``shared`` and ``shared_with`` of the row, and ``external_to_all`` and
``external_to`` of an external network, say the same where rows are listed, and are written with them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from apps.common.context import RequestContext
from apps.networking import exceptions, locks
from apps.networking.models import Network, RbacPolicy
from apps.networking.selectors import rbac_policies as selectors
from apps.networking.services import ownership, quotas
from apps.networking.services.shared_objects import EVERYBODY, EXTERNAL, SHARED, TYPES, name_of

_COLUMNS = {SHARED: ("shared", "shared_with"), EXTERNAL: ("external_to_all", "external_to")}


def create(*, context: RequestContext, row: Any, values: dict[str, Any]) -> RbacPolicy:
    """Let a project, or everybody, use a row.

    Raises the row's NotFound (404), OverQuota and RbacPolicyExists (409).
    """
    project_id = ownership.of(context=context, values=values)
    try:
        with transaction.atomic():
            quotas.check(resource="rbac_policy", project_id=project_id)
            _hold(row)
            made = RbacPolicy.objects.create(
                project_id=project_id,
                object_type=name_of(row),
                object_id=row.id,
                action=values["action"],
                target_project=values["target_project"],
            )
            _show(row, made.action)
    except IntegrityError:
        raise exceptions.RbacPolicyExists from None
    return made


def _hold(row: Any) -> None:
    """Lock a row against deletion and other policies, a network against new ports too. Raises its NotFound (404)."""
    is_network = isinstance(row, Network)
    if (locks.network_to_delete(row.id) if is_network else locks.resource(row).first()) is None:
        raise TYPES[name_of(row)].not_found(id=row.id)


def _show(row: Any, action: str) -> None:
    """Write what the policies of a row say into its columns; an external network stays external without any."""
    targets = selectors.targets(row=row, action=action)
    everybody, some = _COLUMNS[action]
    values: dict[str, Any] = {everybody: EVERYBODY in targets, some: sorted(targets - {EVERYBODY})}
    if action == EXTERNAL:
        values["external"] = True
    type(row)._default_manager.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)


def update(*, policy: RbacPolicy, target_project: str) -> RbacPolicy:
    """Give a policy another target. Raises RbacPolicyNotFound (404), RbacPolicyInUse and RbacPolicyExists (409)."""
    row = row_of(policy)
    try:
        with transaction.atomic():
            current = _current(row, policy)
            if target_project != current.target_project:
                _refuse_used(row, current, adding=target_project)
            current.target_project = target_project
            current.save(update_fields=["target_project"])
            _show(row, current.action)
    except IntegrityError:
        raise exceptions.RbacPolicyExists from None
    return current


def _current(row: Any, policy: RbacPolicy) -> RbacPolicy:
    """Lock the row that a policy is about, and return the policy as it is then. Raises RbacPolicyNotFound (404)."""
    _hold(row)
    current = RbacPolicy.objects.filter(id=policy.id).first()
    if current is None:
        raise exceptions.RbacPolicyNotFound(id=policy.id)
    return current


def delete(*, policy: RbacPolicy) -> None:
    """Delete a policy. Raises RbacPolicyNotFound (404), and RbacPolicyInUse (409) while the target depends on it."""
    row = row_of(policy)
    with transaction.atomic():
        current = _current(row, policy)
        _refuse_used(row, current)
        current.delete()
        _show(row, current.action)


def row_of(policy: RbacPolicy) -> Any:
    """Return the row that a policy is about. Raises its NotFound (404)."""
    kind = TYPES[policy.object_type]
    row = kind.model.objects.filter(id=policy.object_id).first()
    if row is None:
        raise kind.not_found(id=policy.object_id)
    return row


def _refuse_used(row: Any, policy: RbacPolicy, *, adding: str = "") -> None:
    left = selectors.targets(row=row, action=policy.action) - {policy.target_project} | {adding}
    orphans = depending(row, policy.action, left)
    if policy.target_project != EVERYBODY:
        orphans &= {policy.target_project}
    if orphans:
        word = policy.object_type.replace("_", " ")
        details = f"Unable to reconfigure sharing settings for {word} {row.id}. Multiple tenants are using it."
        raise exceptions.RbacPolicyInUse(object_id=row.id, details=details)


def depending(row: Any, action: str, targets: set[str]) -> set[str]:
    """Return the projects that use a row of another project, and that none of these targets lets in."""
    if EVERYBODY in targets:
        return set()
    return TYPES[name_of(row)].users[action](row) - targets - {row.project_id, ""}


def open_to_all(row: Any, action: str) -> None:
    """Let everybody use a row, which is new or locked: ``shared`` or ``router:external`` of a request."""
    RbacPolicy.objects.get_or_create(
        object_id=row.id,
        action=action,
        target_project=EVERYBODY,
        defaults={"project_id": row.project_id, "object_type": name_of(row)},
    )
    _show(row, action)


def close_to_all(row: Any, action: str) -> None:
    """Take the policy for everybody of a locked row away; other projects that policies name keep their access."""
    RbacPolicy.objects.filter(object_id=row.id, action=action, target_project=EVERYBODY).delete()
    _show(row, action)


def make_internal(network: Network) -> None:
    """Make a locked external network internal: its policies for external access go with it."""
    RbacPolicy.objects.filter(object_id=network.id, action=EXTERNAL).delete()
    Network.objects.filter(id=network.id).update(external=False, external_to_all=True, external_to=[])


@contextmanager
def forgotten(row: Any) -> Iterator[None]:
    """Delete the policies of a row after the block that deletes it: who makes one meanwhile has locked the row."""
    object_id = row.pk
    yield
    RbacPolicy.objects.filter(object_id=object_id).delete()
