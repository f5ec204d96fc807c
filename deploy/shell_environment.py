"""`make env` and `make shell`: the variables with which commands of the documentation work as printed."""

import os
import shlex
import sys
from pathlib import Path

from deploy.console import explain
from deploy.environment import Environment, load, up_command
from deploy.errors import DeployError
from deploy.ovn import places

CLOUD = "celerity-demo"


def variables(environment: Environment) -> dict[str, str]:
    """Return what a shell needs: our commands first in PATH, the state directory, and the demo project's cloud."""
    programs = str(Path(sys.executable).parent)
    rest = [part for part in os.environ.get("PATH", "").split(":") if part and part != programs]
    exported = {
        "PATH": ":".join([programs, *rest]),
        "CELERITY_STATE_DIR": str(environment.state),
        "OS_CLIENT_CONFIG_FILE": str(environment.clouds_yaml),
        "OS_CLOUD": os.environ.get("OS_CLOUD") or CLOUD,
    }
    if environment.ovn:  # for ovs-vsctl, ovn-nbctl and ovn-sbctl
        here = places.of(environment)
        exported |= {**here.variables, "OVN_NB_DB": here.northbound, "OVN_SB_DB": here.southbound}
    return exported


def require_cloud(environment: Environment) -> None:
    """Raise DeployError where no cloud has been started, or where this account cannot read its passwords."""
    try:
        environment.clouds_yaml.open().close()
    except FileNotFoundError:
        raise DeployError(
            f"There is no cloud in {environment.state}.", hint=f"Start it first: {up_command(environment.state)}"
        ) from None


def main() -> int:
    environment = load()
    try:
        require_cloud(environment)
    except PermissionError as error:
        explain(DeployError(f"{error.strerror}: {error.filename}", hint="Run it as the user that started the cloud."))
        return 1
    except DeployError as error:
        explain(error)
        return 1
    if sys.argv[1:] == ["shell"]:
        shell = os.environ.get("SHELL") or "/bin/sh"
        os.execvpe(shell, [shell], {**os.environ, **variables(environment)})  # noqa: S606 - the user's own shell
    for name, value in variables(environment).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
