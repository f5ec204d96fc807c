"""A private Redis, the broker: its own port and password, in memory only. A Redis on the default port is left alone."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import redis

from deploy.errors import DeployError
from deploy.instances.process import Server, give, owner_of, process_in

CONFIGURATION = """\
# Written by deploy/instances/redis.py at every start.
bind {host}
port {port}
protected-mode yes
requirepass {password}
dir {directory}
pidfile {directory}/redis.pid
daemonize no
databases 64
# The broker carries ids only, the truth is in PostgreSQL: after a restart the sweeper sends again what was lost.
save ""
appendonly no
# A full broker refuses messages, which is seen and repaired; one that drops them is not.
maxmemory-policy noeviction
tcp-keepalive 60
"""


class Redis(Server):
    """One Redis under ``directory`` that listens where ``url`` says."""

    name = "redis"

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory)
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 6379
        self.password = parts.password or ""
        self.user = owner_of("redis")

    def command(self) -> list[str]:
        program = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/usr/sbin")
        if program is None:
            raise DeployError("Redis is not installed.", hint="As root: apt-get install redis-server")
        return [program, str(self.directory / "redis.conf")]

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        give(self.directory, self.user, 0o700)
        partial = self.directory / "redis.conf.new"
        partial.touch(mode=0o600)
        partial.write_text(
            CONFIGURATION.format(
                host=self.host, port=self.port, password=self.password, directory=self.directory.resolve()
            )
        )
        give(partial, self.user, 0o600)
        partial.rename(self.directory / "redis.conf")

    def pid(self) -> int | None:
        return process_in(self.directory / "redis.pid", {"redis-server"}, self.directory)

    def is_ready(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
