"""The ports that the cloud listens on."""

from deploy import ports
from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.secrets import generate
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    # Before the first `make up` there are no URLs: the ports they will have are checked.
    complete = Environment(environment.state, {**generate(), **environment.values})
    wanted = ports.endpoints(complete)
    try:
        ports.require_free(wanted, Supervisor(environment).owns)
    except DeployError as error:
        return fail(error.message, error.hint)
    return ok(f"{', '.join(f'{endpoint.port} ({endpoint.purpose})' for endpoint in wanted)}: free, or ours")
