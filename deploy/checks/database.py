"""The database."""

import psycopg2

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    url = environment.values.get("CELERITY_DATABASE_URL")
    if url is None:
        return ok("does not exist yet; make up creates it")
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        if environment.private_database and not Supervisor(environment).is_running():
            return ok("the cloud is down; make up starts it")
        said = str(error).strip().splitlines()[-1]
        return fail(said, f"Look at {environment.log / 'postgresql.log'}; make up restarts it.")
    try:
        version = connection.server_version
        if version < 150000:
            return fail(f"PostgreSQL {version // 10000}", "Celerity needs PostgreSQL 15 or newer.")
        return ok(f"PostgreSQL {version // 10000} answers")
    finally:
        connection.close()
