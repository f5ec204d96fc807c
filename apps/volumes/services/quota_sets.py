"""Changing limits in the words of os-quota-sets."""

from apps.common.exceptions import BadRequest
from apps.quotas.services import limits
from apps.volumes.selectors import quota_sets as selectors


def update(*, owner_id: str, values: dict[str, int]) -> None:
    """Set limits of a project or a class, by their names in documents.

    As in Cinder, a limit may be below the usage: nothing more is made then. Raises BadRequest (400) for unknown names.
    """
    known = selectors.resources()
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadRequest(f"Bad key(s) in quota set: {', '.join(name[:64] for name in unknown[:5])}")
    limits.set_many(owner_id=owner_id, values={known[name]: value for name, value in values.items()}, force=True)


def reset(*, project_id: str) -> None:
    """Drop the volume service's limits of a project: the defaults apply again."""
    limits.reset(owner_id=project_id, resources=list(selectors.resources().values()))
