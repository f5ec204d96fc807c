"""How many messages the broker holds, asked with a short patience: for pages and metrics."""

from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("celerity.broker")
BROKER_SECONDS = 0.5


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
