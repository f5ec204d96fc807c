"""The Celery app by itself: broker and messages, and no application. Beat and Flower need nothing more.

Without Django's applications each of them takes 40 MiB less. `cloud.celery` adds the settings of workers and the API.
"""

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

from django.conf import settings

from workers.periodic import timetable

REQUEST_SECONDS = 0.1  # the patience of a request with the broker, which it does not need (apps/common/dispatch.py)
TRANSPORT_ALIASES["redis"] = "cloud.tuning.redis_transport:Transport"


def _transport_options() -> dict[str, object]:
    """Return how the transport connects; requests of the API give up at once, workers hold on."""
    is_redis, in_requests = settings.BROKER_URL.startswith("redis"), settings.PROCESS == "api"
    patience: dict[str, object] = {"max_retries": 0, "connect_retries_timeout": REQUEST_SECONDS} if in_requests else {}
    if not is_redis:
        limits = {"connect_timeout": REQUEST_SECONDS, "read_timeout": 0.5, "write_timeout": 0.5}
        return {**patience, **limits} if in_requests else {}
    return {
        "visibility_timeout": settings.BROKER_VISIBILITY,
        "unacked_restore_interval": min(5, settings.BROKER_VISIBILITY / 2),
        "socket_timeout": REQUEST_SECONDS if in_requests else 10,
        "socket_connect_timeout": REQUEST_SECONDS if in_requests else 3,
        "socket_keepalive": True,
        # A check is a question before the question: a request's send finds out by itself.
        "health_check_interval": 0 if in_requests else 10,
        "priority_steps": [0],
        "queue_order_strategy": "round_robin",
        **patience,
    }


# No fixups: Celery's own for Django closes the database session around every task; ours carry leases and are kept.
app = Celery("celerity", fixups=[])
app.set_default()  # `celery.current_app` is this one in every thread
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options=_transport_options(),
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
    task_publish_retry=settings.PROCESS != "api",
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
    worker_consumer="cloud.tuning.consumer:Consumer",
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
    beat_schedule=timetable.entries(),
)


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log(**_: object) -> None:
    """Django's LOGGING holds in every process."""
    logging.config.dictConfig(settings.LOGGING)
