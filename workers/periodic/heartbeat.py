"""Says that this machine's scheduler is alive: the API lists it as a service."""

from django.conf import settings

from apps.scheduling.services import schedulers


def beat() -> None:
    schedulers.beat(host=settings.HOST_NAME)
