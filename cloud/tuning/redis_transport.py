"""kombu's transport for Redis with one client per channel, not one per command.

Making a client copies a table of some 400 parsers of answers. A client holds nothing but a pool of connections, and
threads may share it.

Replaces: kombu.transport.redis.Channel._create_client
Gains: 0.1 ms per command, 15 commands per boot.
Remove: drop the alias in cloud/celery_base.py, delete this module.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # these hold a connection, and are kept by kombu
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        # A pool that was given up (the broker went away) is another one from then on.
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[no-untyped-call]
        return self._kept


class Transport(redis.Transport):
    Channel = Channel
