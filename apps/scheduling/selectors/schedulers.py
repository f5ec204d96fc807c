"""Reading which machines run schedulers."""

from django.db.models import QuerySet

from apps.scheduling.models import Scheduler


def everything() -> QuerySet[Scheduler]:
    return Scheduler.objects.order_by("host")
