"""kombu's transport for Redis, with one client for a channel rather than a new one for each word with the broker.

Making a client costs as much as the command it is made for: it copies a table of some 400 answers' readers. It holds
nothing but a pool of connections, and threads may share it.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # these hold a connection, and are kept by kombu
            return super()._create_client(asynchronous=True)
        # A pool that was given up (the broker went away) is another one from then on.
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
        return self._kept


class Transport(redis.Transport):
    Channel = Channel
