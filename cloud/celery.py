"""The Celery app: broker settings, the router, and the pipelines' tasks."""

import gc
import os

import django
from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

from django.apps import apps as django_apps
from django.conf import settings

VISIBILITY_TIMEOUT_SECONDS = 3600

# No fixups: Celery's own for Django closes the database session around every task; ours carry leases and are kept.
app = Celery("celerity", fixups=[])
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "unacked_restore_interval": 5,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "priority_steps": [0],
        "queue_order_strategy": "round_robin",
    }
    if settings.BROKER_URL.startswith("redis")
    else {},
    broker_pool_limit=10,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_store_eager_result=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="scheduler",
    task_create_missing_queues=True,
    task_routes=("workers.routing.route",),
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
    worker_consumer="cloud.consumer:Consumer",
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=10,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=True,
    worker_send_task_events=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_send_sent_event=False,
    enable_utc=True,
    beat_max_loop_interval=1,
)


@setup_logging.connect
def _keep_logging(**_: object) -> None:
    """Django's LOGGING holds in workers too."""


@worker_ready.connect
def _settle(**_: object) -> None:
    """What is loaded stays: no collection looks at it again."""
    gc.collect()
    gc.freeze()


if not django_apps.app_configs:  # `celery -A cloud`; under Django this module is imported by CloudConfig.ready
    django.setup()


def _connect() -> None:
    from apps.common import dispatch
    from workers.periodic import schedule
    from workers.pipelines import registry

    registry.register(app)
    schedule.register(app)
    dispatch.configure(
        send=lambda run: registry.send(app, run),
        steps={name: pipeline.step_names() for name, pipeline in registry.PIPELINES.items()},
    )


_connect()
