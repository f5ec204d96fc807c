"""The broker."""

from kombu.connection import Connection

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    url = environment.values.get("CELERITY_BROKER_URL")
    if url is None:
        return ok("does not exist yet; make up creates it")
    try:
        with Connection(url, connect_timeout=5) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
            return ok(f"{connection.transport.driver_name} answers")
    except Exception as error:  # each transport has its own
        if environment.private_broker and not Supervisor(environment).is_running():
            return ok("the cloud is down; make up starts it")
        return fail(f"{type(error).__name__}: {error}"[:200], "Check redis.log; make up restarts it.")
