"""The countable resources of every service. Apps register theirs at start, so that quotas need not know the apps.

A resource is counted in one of two ways:
  reserved  usage rows, changed by one statement in the transaction that writes the resource
            (`services/reservations.py`): for what is created often, or promised before it exists (servers)
  counted   the resource's own rows, counted under a lock per owner (`services/counting.py`): for what is created
            rarely. There is no second record that could drift

A reserved resource may have parts with separate limits, as volumes have one for each type: "volumes:<type>". A part
is unlimited until an operator limits it.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings

UNLIMITED = -1
PART = ":"
Key = tuple[str, str]  # owner, resource


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """``setting`` names the dictionary of defaults ("": unlimited). ``count`` counts an owner's rows; None for a
    reserved resource, and for a limit of a part of something (metadata items). ``unit``: how many counted units are 1
    in a limit.
    """

    name: str
    service: str
    setting: str
    count: Callable[[str], int] | None = None
    unit: int = 1

    def default(self) -> int:
        """Return the limit of owners without their own; -1 means unlimited."""
        return int(getattr(settings, self.setting)[self.name]) if self.setting else UNLIMITED


@dataclass(frozen=True, kw_only=True, slots=True)
class Recount:
    """One service's rows, counted: usage and open reservations by owner and resource, and existing consumers."""

    in_use: Mapping[Key, int]
    reserved: Mapping[Key, int] = field(default_factory=dict)
    consumers: Collection[uuid.UUID] = ()


Reservations = Mapping[uuid.UUID, Mapping[Key, int]]
Recounter = Callable[[Reservations], Recount]

_resources: dict[str, Resource] = {}
_recounters: dict[str, tuple[frozenset[str], Recounter]] = {}


def register(resources: Collection[Resource]) -> None:
    _resources.update({resource.name: resource for resource in resources})


def register_recount(*, service: str, resources: Collection[str], recount: Recounter) -> None:
    """Register how a service counts the rows behind its reserved resources."""
    _recounters[service] = (frozenset(resources), recount)


def get(name: str) -> Resource:
    """Return a resource, or the part of one ("volumes:<type>"). Raises KeyError."""
    resource = _resources[whole(name)]
    return resource if resource.name == name else replace(resource, name=name, setting="")


def whole(name: str) -> str:
    """Return the resource that ``name`` is, or is a part of."""
    return name.partition(PART)[0]


def counted(name: str) -> Resource | None:
    """Return a counted resource; None for reserved and unknown ones."""
    resource = _resources.get(name)
    return resource if resource is not None and resource.count is not None else None


def of_service(service: str) -> list[Resource]:
    return [resource for resource in _resources.values() if resource.service == service]


def everything() -> list[Resource]:
    return list(_resources.values())


def recounters() -> list[tuple[frozenset[str], Recounter]]:
    return list(_recounters.values())
