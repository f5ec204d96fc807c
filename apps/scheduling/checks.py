"""Whether the settings' filters and weighers can be made: Django's checks report it before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from apps.scheduling.engine import enabled

# Processes that choose hosts, or show where servers would go. Agents run on machines that need not have an operator's
# module.
CHOOSING = ("api", "scheduler")


@register
def filters_and_weighers(**_: Any) -> list[CheckMessage]:
    """An error for each of the two settings that cannot be understood; of commands, the API and the scheduler."""
    errors: list[CheckMessage] = []
    for make in (enabled.filters, enabled.weighers) if settings.PROCESS in ("", *CHOOSING) else ():
        try:
            make()
        except ImproperlyConfigured as error:
            errors.append(Error(str(error), hint="See docs/scheduling.md.", id="scheduling.E001"))
    return errors


def at_start() -> None:
    """Make filters and weighers in the processes that choose hosts. Raises ImproperlyConfigured: it must not start."""
    if settings.PROCESS in CHOOSING:
        enabled.filters()
        enabled.weighers()
