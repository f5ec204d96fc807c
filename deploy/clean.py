"""`make clean`: removes all state of a cloud that is down, after asking."""

import os
import shutil
import sys

from deploy import manage
from deploy.console import explain, line
from deploy.environment import Environment, load
from deploy.errors import DeployError
from deploy.instances import libvirt
from deploy.ovn import places, removal
from deploy.supervision.client import Supervisor


def forget_suspended(environment: Environment) -> None:
    """Remove the domains and the saved memory of suspended servers, which libvirt keeps outside of the state."""
    if environment.simulated or not environment.file.exists():
        return
    daemons = libvirt.TemporaryDaemons(environment.log)  # `make down` has ended those that the cloud started
    try:
        if not daemons.start():
            return
        manage.run(environment, "host_shutdown", "--timeout", "0", "--forget-saved", timeout=180)
    except DeployError as error:
        explain(error)
    finally:
        daemons.stop()


def main() -> int:
    environment = load()
    state = environment.state
    if not (state / "celerity.env").exists() and not (state / "run").exists():
        line(f"There is no cloud in {state}.")
        return 0
    if Supervisor(environment).is_running():
        line("The cloud is running. Run make down first.")
        return 1
    if os.environ.get("YES") != "1":
        line(f"This removes {state}: database, images, disks of servers, keys and passwords.")
        try:
            if input("Type yes to continue: ").strip() != "yes":
                line("Nothing was removed.")
                return 1
        except EOFError:
            line("No terminal to ask on. To remove the state without asking: make clean YES=1")
            return 1
    forget_suspended(environment)
    here = places.of(environment)
    if here.host.exists() and os.geteuid() == 0:
        removal.remove(here)  # what a make down that was cut off has left
    shutil.rmtree(state)
    line(f"Removed {state}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
