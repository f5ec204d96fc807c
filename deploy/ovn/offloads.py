"""The cloud's mode of offloads: the first machine's setting, which further hosts read when they start."""

import dataclasses

from deploy import manage
from deploy.environment import Environment, read_file
from deploy.errors import DeployError
from deploy.ovn import datapath, places, settings
from deploy.secrets import write_private

SETTING = "CELERITY_NETDEV_OFFLOADS"


def matter(environment: Environment) -> bool:
    """Say whether the mode changes anything on this machine: its datapath is netdev, of a version before 3.5."""
    if datapath.version() >= datapath.TUNNEL_OFFLOADS:
        return False
    wanted = dataclasses.replace(settings.read(environment), remote=None)
    return datapath.choose(wanted, places.of(environment)).kind == datapath.NETDEV


def follow(environment: Environment) -> Environment:
    """Return a further host's settings with the cloud's mode, which is kept in its file too.

    While the cloud's database does not answer, the mode stays as it was.
    """
    if not environment.ovn or not matter(environment):
        return environment
    try:
        mode = manage.run(environment, "network_offloads", timeout=60).split()[-1]
    except (DeployError, IndexError):
        return environment
    if mode not in settings.OFFLOADS or mode == environment[SETTING]:
        return environment
    lines = {**read_file(environment.file), SETTING: mode}
    write_private(environment.file, "".join(f"{name}={value}\n" for name, value in sorted(lines.items())))
    return dataclasses.replace(environment, values={**environment.values, SETTING: mode})


def guests_to_restart(environment: Environment) -> list[str]:
    """Return this machine's running guests that started in another mode. Raises DeployError."""
    if environment[SETTING] != "multi-host" or not matter(environment):
        return []
    return manage.run(environment, "network_offloads", "--guests", timeout=60).splitlines()
