"""Reading from the broker: queue lengths, and since when its memory lasts."""

import time
import uuid
from typing import Any

import redis
import structlog
from celery import current_app
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("celerity.broker")
BROKER_SECONDS = 0.5
EPOCH_KEY = "celerity:epoch"


def depths(names: list[str]) -> dict[str, int] | None:
    """Return queue -> messages in the broker; None when it does not answer.

    Only Redis is asked (of another broker nothing is known: {}), and never for longer than ``BROKER_SECONDS`` a word.
    """
    if not settings.BROKER_URL.startswith("redis"):
        return {}
    limits: dict[str, Any] = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    try:
        with redis.Redis.from_url(settings.BROKER_URL, retry=Retry(NoBackoff(), 0), **limits) as client:
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.llen(name)
            return dict(zip(names, map(int, pipe.execute()), strict=False))
    except (redis.RedisError, OSError) as error:
        log.info("broker does not answer", error=type(error).__name__)
        return None


class Broker:
    """A look at the broker for one sweep. Works over Redis and RabbitMQ; only Redis has an epoch."""

    def __init__(self) -> None:
        self._connection = current_app.connection_for_read()
        self._lengths: dict[str, int] = {}

    def __enter__(self) -> "Broker":
        self._connection.ensure_connection(max_retries=1, timeout=3)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.release()

    def length(self, queue: str) -> int:
        """Return how many messages wait in ``queue``; a queue that does not exist has none."""
        if queue not in self._lengths:
            self._lengths[queue] = self._count(queue)
        return self._lengths[queue]

    def _count(self, queue: str) -> int:
        channel: Any = self._connection.default_channel
        if hasattr(channel, "_size"):
            return int(channel._size(queue))
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except self._connection.channel_errors:
            self._connection.close()
            return 0

    def epoch_began(self) -> float | None:
        """Return since when the broker keeps its data (Unix seconds), or None if unknown.

        A flush or a restart without persistence deletes the key, which is then written again: earlier messages are
        lost.
        """
        channel: Any = self._connection.default_channel
        client = getattr(channel, "client", None)
        if client is None or not hasattr(client, "set"):
            return None
        fresh = f"{time.time()}:{uuid.uuid4()}"
        if client.set(EPOCH_KEY, fresh, nx=True):
            log.warning("broker lost its memory, or is new")
        value = client.get(EPOCH_KEY)
        return float(value.decode().split(":")[0]) if value else None
