"""``python -m deploy.front``: writes the front's configuration and becomes nginx. The supervisor runs this."""

import os
import sys

from deploy.environment import load
from deploy.errors import DeployError
from deploy.front.nginx import Front


def main() -> None:
    front = Front(load())
    try:
        front.prepare()
        command = front.command()
    except DeployError as error:
        sys.exit(f"{error.message} {error.hint}")
    os.chdir(front.directory)
    os.execv(command[0], command)  # noqa: S606 - argument list, no shell


if __name__ == "__main__":
    main()
