"""The seeded killer: it chooses what to kill, and when."""

import os
import random
import signal
import time
from collections.abc import Callable

import redis

from tests.cloud import Cloud

PAUSE_SECONDS = (0.4, 1.6)


class Killer:
    """Strikes the cloud's processes, Redis and PostgreSQL now and then. The same seed strikes in the same order.

    Every weapon is used once before any is used again. ``broken`` names those that failed: then the run proves
    nothing.
    """

    def __init__(self, cloud: Cloud, *, seed: int) -> None:
        self.cloud = cloud
        self.random = random.Random(seed)
        self.strikes: list[str] = []
        self.broken: list[str] = []
        self._bag: list[str] = []
        self.weapons: dict[str, Callable[[], None]] = {
            "kill agent": lambda: cloud.kill("agent"),
            "kill scheduler": lambda: cloud.kill("scheduler"),
            "kill beat": lambda: cloud.kill("beat"),
            "kill api": lambda: cloud.kill("api"),
            "kill sweeper": self._kill_the_sweeper,
            "kill a session": self._kill_a_session,
            "flush redis": lambda: self._redis().flushall(),
            "restart redis": self._restart_redis,
            "pause redis": self._pause_redis,
            "restart postgresql": self._restart_postgresql,
            "pause agent": self._pause_agent,
        }

    @property
    def is_through(self) -> bool:
        """Whether every weapon was used."""
        return len(self.strikes) >= len(self.weapons)

    def strike_while(self, busy: Callable[[], bool]) -> None:
        """Strike now and then as long as ``busy`` says so, then see that the services are up again.

        Called on the main thread: what it starts again must not die with a separate thread (PR_SET_PDEATHSIG).
        """
        pause = self.random.uniform(*PAUSE_SECONDS)
        since = time.monotonic()
        while busy():
            time.sleep(0.05)
            if time.monotonic() - since > pause:
                self._strike()
                pause, since = self.random.uniform(*PAUSE_SECONDS), time.monotonic()
        for service in (self.cloud.services.postgresql, self.cloud.services.redis):
            if not service.is_ready():
                service.start()

    def _strike(self) -> None:
        if not self._bag:
            self._bag = self.random.sample(list(self.weapons), len(self.weapons))
        name = self._bag.pop()
        self.strikes.append(name)
        try:
            self.weapons[name]()
        except Exception as error:
            self.broken.append(f"{name} ({type(error).__name__}: {error})")

    def _redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self.cloud.environment["CELERITY_BROKER_URL"], socket_timeout=3)

    def _restart_redis(self) -> None:
        self.cloud.services.redis.stop()
        self.cloud.services.redis.start()

    def _pause_redis(self) -> None:
        pid = self.cloud.services.redis.pid()
        if pid:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.random.uniform(0.2, 1.5))
            os.kill(pid, signal.SIGCONT)

    def _restart_postgresql(self) -> None:
        self.cloud.services.postgresql.stop()
        self.cloud.services.postgresql.start()

    def _pause_agent(self) -> None:
        self.cloud.signal("agent", signal.SIGSTOP)
        time.sleep(self.random.uniform(0.2, 2.0))
        self.cloud.signal("agent", signal.SIGCONT)

    def _kill_the_sweeper(self) -> None:
        """Kill the scheduler's process during a sweep, or at once if none is under way."""
        holding = (
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND ((classid::bigint << 32) | objid::bigint) = hashtextextended('workflow.sweep', 0)"
        )
        deadline = time.monotonic() + 1
        while not self.cloud.rows(holding) and time.monotonic() < deadline:
            time.sleep(0.002)
        self.cloud.kill("scheduler")

    def _kill_a_session(self) -> None:
        """End any one database session of the cloud, and with it its locks."""
        sessions = self.cloud.rows(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            " ORDER BY application_name, backend_start"
        )
        if sessions:
            self.cloud.rows("SELECT pg_terminate_backend(%s)", self.random.choice(sessions)[0])
