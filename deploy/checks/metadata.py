"""The metadata process: answers, and reaches the API."""

from deploy import metadata
from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    if not environment.ovn:
        return ok("not used: guests have config drives")
    if not Supervisor(environment).is_running():
        return ok("the cloud is down; make up starts it")
    numbers = metadata.ask(environment)
    if numbers is None:
        return fail("the metadata process does not answer", f"Log: {environment.log}/metadata.log; make up starts it.")
    if numbers.fails:
        return warn(
            f"{numbers}; the API did not answer the last question",
            "The log says why. On a further host CELERITY_PUBLIC_URL must lead to the API.",
        )
    return ok(str(numbers))
