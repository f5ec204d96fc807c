"""Writing aggregates, their metadata and their hosts.

A host's zone is the ``availability_zone`` of the one aggregate that has it, or the default zone. Whatever changes it
locks the hosts first, by id: two changes at once cannot put a host into two zones, nor wait for each other for ever.
The refusals and their codes are Nova's (nova/compute/api.py, AggregateAPI).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.scheduling import locks
from apps.scheduling.exceptions import (
    AggregateHostExists,
    AggregateHostNotFound,
    AggregateHostRefused,
    AggregateNameExists,
    AggregateNotEmpty,
    AggregateNotFound,
    AggregateUpdateRefused,
    HostNotFound,
)
from apps.scheduling.models import Aggregate, Host
from apps.scheduling.models.aggregates import ZONE_KEY
from apps.scheduling.selectors import aggregates as selectors

MAX_WANTED_IMAGES = 64
HAS_SERVERS = "One or more hosts contain instances in this zone"


@transaction.atomic
def create(*, name: str, availability_zone: str | None = None) -> Aggregate:
    """Raises AggregateNameExists (409)."""
    metadata = {ZONE_KEY: availability_zone} if availability_zone else {}
    aggregate = Aggregate(name=name, metadata=metadata)
    _save(aggregate, force_insert=True)
    audit.record("aggregate.create", "aggregate", aggregate.id)
    return aggregate


@transaction.atomic
def update(*, aggregate_id: int, name: str | None = None, **zone: str | None) -> Aggregate:
    """Rename it, and set its zone where ``availability_zone`` is given.

    Raises AggregateNotFound (404), AggregateNameExists (409), AggregateUpdateRefused (400): the zone is empty, a host
    is in another one already, or has servers.
    """
    aggregate = _locked(aggregate_id)
    if name is not None:
        aggregate.name = name
    _apply(aggregate, {key: value for key, value in zone.items() if key == ZONE_KEY})
    audit.record("aggregate.update", "aggregate", aggregate_id)
    return selectors.get(aggregate_id=aggregate_id)


@transaction.atomic
def set_metadata(*, aggregate_id: int, metadata: Mapping[str, str | None]) -> Aggregate:
    """Set each key to its value, and remove those whose value is None.

    Raises AggregateNotFound (404), AggregateUpdateRefused (400).
    """
    _apply(_locked(aggregate_id), metadata)
    audit.record("aggregate.set_metadata", "aggregate", aggregate_id)
    return selectors.get(aggregate_id=aggregate_id)


@transaction.atomic
def delete(*, aggregate_id: int) -> None:
    """Raises AggregateNotFound (404), AggregateNotEmpty (400)."""
    aggregate = _locked(aggregate_id)
    if aggregate.hosts.exists():
        raise AggregateNotEmpty(aggregate=aggregate_id)
    aggregate.delete()
    audit.record("aggregate.delete", "aggregate", aggregate_id)


@transaction.atomic
def add_host(*, aggregate_id: int, host: str) -> Aggregate:
    """Raises AggregateNotFound, HostNotFound (404), AggregateHostExists (409), AggregateHostRefused (409): the host
    is in another zone, or has servers and would change its zone.
    """
    aggregate = _locked(aggregate_id)
    row = next(iter(locks.hosts(Host.objects.filter(name=host))), None)
    if row is None:
        raise HostNotFound(host=host)
    if aggregate.hosts.filter(id=row.id).exists():
        raise AggregateHostExists(aggregate=aggregate_id, host=host)
    zone = aggregate.availability_zone
    if zone:
        problem = _conflict(aggregate, [row], zone) or _in_use([row], zone)
        if problem:
            raise AggregateHostRefused(action="add", aggregate=aggregate_id, host=host, reason=problem)
    aggregate.hosts.add(row)
    _move([row], zone)
    _touch(aggregate)
    audit.record("aggregate.add_host", "aggregate", aggregate_id)
    return selectors.get(aggregate_id=aggregate_id)


@transaction.atomic
def remove_host(*, aggregate_id: int, host: str) -> Aggregate:
    """Raises AggregateNotFound, AggregateHostNotFound (404), AggregateHostRefused (409): it has servers and would
    change its zone.
    """
    aggregate = _locked(aggregate_id)
    row = next(iter(locks.hosts(aggregate.hosts.filter(name=host))), None)
    if row is None:
        raise AggregateHostNotFound(aggregate=aggregate_id, host=host)
    aggregate.hosts.remove(row)
    if aggregate.availability_zone:
        others = row.aggregates.filter(metadata__has_key=ZONE_KEY).first()
        zone = others.availability_zone if others else None
        problem = _in_use([row], zone or settings.DEFAULT_ZONE)
        if problem:
            raise AggregateHostRefused(action="remove", aggregate=aggregate_id, host=host, reason=problem)
        _move([row], zone or settings.DEFAULT_ZONE)
    _touch(aggregate)
    audit.record("aggregate.remove_host", "aggregate", aggregate_id)
    return selectors.get(aggregate_id=aggregate_id)


@transaction.atomic
def cache_images(*, aggregate_id: int, image_ids: Sequence[uuid.UUID]) -> None:
    """Have the aggregate's hosts fetch images into their caches, in this order, each in its own time.

    Raises AggregateNotFound (404), and BadRequest where a host would wait for more than MAX_WANTED_IMAGES.
    """
    aggregate = _locked(aggregate_id)
    rows = locks.hosts(aggregate.hosts.all())
    for row in rows:
        row.wanted_images = list(dict.fromkeys([*row.wanted_images, *image_ids]))
        if len(row.wanted_images) > MAX_WANTED_IMAGES:
            raise BadRequest(f"A host fetches at most {MAX_WANTED_IMAGES} images ahead. Try again later.")
    Host.objects.bulk_update(rows, ["wanted_images"])
    audit.record("aggregate.cache_images", "aggregate", aggregate_id)


# --- what they share --------------------------------------------------------------------------------


def _locked(aggregate_id: int) -> Aggregate:
    aggregate = locks.aggregate(aggregate_id)
    if aggregate is None:
        raise AggregateNotFound(aggregate=aggregate_id)
    return aggregate


def _apply(aggregate: Aggregate, metadata: Mapping[str, str | None]) -> None:
    if ZONE_KEY in metadata:
        _set_zone(aggregate, metadata[ZONE_KEY])
    for key, value in metadata.items():
        if value is None:
            aggregate.metadata.pop(key, None)
        else:
            aggregate.metadata[key] = value
    aggregate.updated_at = timezone.now()
    _save(aggregate)


def _set_zone(aggregate: Aggregate, zone: str | None) -> None:
    """Check that its hosts may be in ``zone``, and move them there."""
    problem: str | None
    hosts: list[Host] = []
    if not zone:
        problem = f"Aggregate {aggregate.name} does not support empty named availability zone"
    else:
        hosts = locks.hosts(aggregate.hosts.all())
        problem = _conflict(aggregate, hosts, zone)
        if aggregate.availability_zone != zone:
            problem = problem or _in_use(hosts, zone)
    if problem:
        raise AggregateUpdateRefused(aggregate=aggregate.id, reason=problem)
    _move(hosts, zone)


def _conflict(aggregate: Aggregate, hosts: Iterable[Host], zone: str) -> str | None:
    """Return that one of the hosts is in another zone through another aggregate, if so."""
    others = Aggregate.objects.filter(hosts__in=list(hosts), metadata__has_key=ZONE_KEY).exclude(id=aggregate.id)
    zones = sorted({str(other.availability_zone) for other in others} - {zone})
    return f"One or more hosts already in availability zone(s) {zones}" if zones else None


def _in_use(hosts: Iterable[Host], zone: str) -> str | None:
    """Return that one of the hosts has servers, which would be in another zone than they were put in, if so."""
    moving = [host.id for host in hosts if host.zone != zone]
    return HAS_SERVERS if Host.objects.filter(id__in=moving, inventory__servers__gt=0).exists() else None


def _move(hosts: Iterable[Host], zone: str | None) -> None:
    if zone:
        Host.objects.filter(id__in=[host.id for host in hosts]).exclude(zone=zone).update(zone=zone)


def _touch(aggregate: Aggregate) -> None:
    Aggregate.objects.filter(id=aggregate.id).update(updated_at=timezone.now())


def _save(aggregate: Aggregate, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            aggregate.save(force_insert=force_insert)
    except IntegrityError:
        raise AggregateNameExists(name=aggregate.name) from None
