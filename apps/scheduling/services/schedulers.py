"""Noting that the schedulers of a machine are alive."""

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from apps.scheduling.models import Scheduler

FIRST_NUMBER = 1_000_000_000  # apart from the numbers of hosts, which are services too


def beat(*, host: str) -> None:
    """Note that a machine's scheduler did a round just now; a new machine is registered. 1 query."""
    if Scheduler.objects.filter(host=host).update(heartbeat_at=timezone.now()):
        return
    newest = Scheduler.objects.aggregate(newest=Max("number"))["newest"]
    number = FIRST_NUMBER if newest is None else newest + 1
    try:
        with transaction.atomic():
            Scheduler.objects.create(host=host, number=number)
    except IntegrityError:
        return  # another one registers at this moment; the next round tries again


def remove(*, scheduler: Scheduler) -> None:
    """Forget a machine whose schedulers are gone for good."""
    scheduler.delete()
