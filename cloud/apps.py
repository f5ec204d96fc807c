"""Start-up of the project: wires the Celery app to the applications' dispatch."""

from django.apps import AppConfig


class CloudConfig(AppConfig):
    name = "cloud"

    def ready(self) -> None:
        from cloud import celery  # noqa: F401 - registers pipelines and the sender
