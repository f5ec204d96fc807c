"""Messages carry IDs only: no data of a request is in the broker (OSSA 2014-021)."""

import base64
import json
import signal
from typing import Any

import pytest
import redis

from tests import sentinels
from tests.cloud import Cloud, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.slow]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0jlQpPGbbCNTuvXI7HvmSiHDaPQTN7PmjM3ZLLOjbN"
WORDS = ("password", "adminpass", "user_data", "x-auth-token", "ssh-ed25519", "private_key", "s3cret-metadata")


def everything(cloud: Cloud) -> str:
    """Return everything in the broker, with encoded parts also as clear text."""
    broker: Any = redis.Redis.from_url(cloud.environment["CELERITY_BROKER_URL"], socket_timeout=10)
    texts = []
    for key in broker.scan_iter("*"):
        kind = broker.type(key).decode()
        values = {
            "list": lambda key=key: broker.lrange(key, 0, -1),
            "hash": lambda key=key: broker.hvals(key),
            "set": lambda key=key: broker.smembers(key),
            "zset": lambda key=key: broker.zrange(key, 0, -1),
            "string": lambda key=key: [broker.get(key)],
        }[kind]()
        for value in values:
            texts += [key.decode(), value.decode(errors="replace"), *_bodies(value)]
    return "\n".join(texts)


def _bodies(value: bytes) -> list[str]:
    try:
        message = json.loads(value)
        message = message[0] if isinstance(message, list) else message  # unacknowledged ones stand with their queue
        return [base64.b64decode(message["body"]).decode()]
    except (ValueError, KeyError, TypeError):
        return []


def queued(cloud: Cloud, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in cloud.messages())


def test_a_boot_puts_nothing_secret_on_the_broker(cloud: Cloud) -> None:
    """Read while the scheduler is down and while the agent is stopped: then their queues hold their messages."""
    headers = {"OpenStack-API-Version": "compute 2.1"}
    cloud.call("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": KEY}}, headers=headers)
    values = {
        "key_name": "k",
        "adminPass": f"{sentinels.SENTINEL}-admin",
        "metadata": {"note": "s3cret-metadata"},
    }
    cloud.kill("scheduler", restart=False)
    servers = [cloud.create("first", **values)]
    wait_for(lambda: queued(cloud, "scheduler"), what="a message for the scheduler")
    said = [everything(cloud)]
    cloud.start("scheduler")
    cloud.settled(servers[0])
    cloud.signal("agent", signal.SIGSTOP)
    try:
        servers.append(cloud.create("second", **values))
        wait_for(lambda: queued(cloud, "host."), what="a message for a host")
        said.append(everything(cloud))
    finally:
        cloud.signal("agent", signal.SIGCONT)
    assert {cloud.settled(one)["status"] for one in servers} == {"ACTIVE"}
    said.append(everything(cloud))
    runs = cloud.rows("SELECT id FROM workflow_run WHERE subject_id = ANY(%s::uuid[])", servers)
    assert [any(str(run[0]) in text for run in runs) for text in said[:2]] == [True, True]  # else nothing was read
    for text in said:
        assert list(sentinels.found_in(text)) == []
        assert [word for word in WORDS if word in text.lower()] == []
        assert cloud.token not in text
    cloud.call("DELETE", "/compute/v2.1/os-keypairs/k")
