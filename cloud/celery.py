"""The Celery app of workers and the API: the pipelines' and the periodic tasks, and the way to send them."""

from collections.abc import Mapping

import django
from celery.signals import worker_ready
from django.apps import apps as django_apps
from django.conf import settings

from cloud.celery_base import app
from cloud.tuning import memory

BREAK_SECONDS = 2.0  # how long requests leave a broker alone that did not answer one of them


@worker_ready.connect  # type: ignore[untyped-decorator]
def _begin(**_: object) -> None:
    from workers import listening

    listening.begin()
    memory.freeze_loaded()


if not django_apps.app_configs:  # `celery -A cloud`; under Django this module is imported by CloudConfig.ready
    django.setup()


def _publish(queue: str, line: Mapping[str, object]) -> None:
    """Put a plain message on a queue: no task, so its worker may take many at once."""
    with app.producer_pool.acquire(block=True) as producer:
        producer.publish(line, exchange="", routing_key=queue, serializer="json", retry=False)


def _connect() -> None:
    from apps.common import dispatch
    from apps.workflow import catalogue
    from workers.periodic import schedule
    from workers.pipelines import registry

    registry.register(app)
    schedule.register(app)
    dispatch.configure(
        send=lambda run: registry.send(app, run),  # type: ignore[arg-type]  # apps know a run by a protocol
        publish=_publish,
        pause_seconds=BREAK_SECONDS if settings.PROCESS == "api" else 0.0,
    )
    catalogue.fill(pipeline.entry for pipeline in registry.PIPELINES.values())
    catalogue.fill_subjects(pipeline.subject for pipeline in registry.PIPELINES.values())


_connect()
