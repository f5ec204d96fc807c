"""One client for a channel; another one when its pool was given up."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from kombu.transport import resolve_transport

from cloud import celery_base
from cloud.tuning import redis_transport

pytestmark = pytest.mark.skipif(not settings.BROKER_URL.startswith("redis"), reason="the broker is another one")


@pytest.fixture
def channel() -> Iterator[redis_transport.Channel]:
    with celery_base.app.connection_for_write() as connection:
        found = connection.default_channel
        assert isinstance(found, redis_transport.Channel)
        yield found


def test_the_app_uses_it() -> None:
    assert resolve_transport("redis") is redis_transport.Transport


def test_a_channel_keeps_its_client(channel: redis_transport.Channel) -> None:
    with channel.conn_or_acquire() as one, channel.conn_or_acquire() as other:
        assert one is other and one.ping()


def test_a_pool_that_was_given_up_takes_its_client_with_it(channel: redis_transport.Channel) -> None:
    with channel.conn_or_acquire() as first:
        assert first.ping()
    channel._disconnect_pools()
    with channel.conn_or_acquire() as second:
        assert second is not first and second.ping()
        assert second.connection_pool is channel.pool
