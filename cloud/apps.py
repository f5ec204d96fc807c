"""Start-up of the project: wires the Celery app to the applications' dispatch."""

from django.apps import AppConfig
from django.conf import settings


class CloudConfig(AppConfig):
    name = "cloud"

    def ready(self) -> None:
        from cloud import celery  # noqa: F401 - registers pipelines and the sender

        if settings.OTLP_ENDPOINT:
            from cloud import traces

            traces.start()
