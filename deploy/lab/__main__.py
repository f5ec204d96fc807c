"""`make lab`, `make lab-down` and `make lab-shell`."""

import os
import sys
import time

from deploy.console import explain, line
from deploy.errors import DeployError
from deploy.lab import lab as labs
from deploy.lab import machines
from deploy.lab import plan as plans


def _plan() -> plans.Plan:
    """Return the plan of the lab that is there, or the one asked for."""
    directory = plans.directory()
    asked = os.environ.get("LAB_HOSTS", "")
    present = plans.present(directory)
    if present is not None:
        if asked and int(asked) != present.count:
            raise DeployError(
                f"The lab in {directory} has {present.count} hosts.", hint="make lab-down first, or leave HOSTS out."
            )
        return present
    if asked and not asked.isdigit():
        raise DeployError(f"HOSTS is {asked!r}, which is no number.")
    return plans.make(directory, int(asked or 3), os.environ.get("CELERITY_LAB_RANGE") or plans.RANGE)


def up() -> None:
    started = time.monotonic()
    labs.require_rights(os.geteuid() == 0)
    plan = _plan()
    labs.Lab(plan).up()
    line(f"The lab is up after {time.monotonic() - started:.1f} s.")
    labs.describe(plan)


def down() -> None:
    labs.require_rights(os.geteuid() == 0)
    plan = plans.present(plans.directory())
    if plan is None:
        if plans.own_devices():
            plan = _plan()  # what a lab left whose directory was removed by hand
        else:
            line(f"There is no lab in {plans.directory()}.")
            return
    for name in labs.Lab(plan).down():
        line(f"  removed {name}")


def shell() -> None:
    plan = plans.present(plans.directory())
    if plan is None:
        raise DeployError(f"There is no lab in {plans.directory()}.", hint="make lab HOSTS=3")
    name = os.environ.get("ON") or plan.hosts[-1].name
    host = next((host for host in plan.hosts if host.name == name), None)
    if host is None:
        raise DeployError(f"{name} is no host of this lab.", hint=", ".join(host.name for host in plan.hosts))
    wanted = os.environ.get("RUN")  # make exports what is given on its line
    argv = machines.command(host, ["sh", "-c", wanted] if wanted else ["bash", "--norc"])
    os.execvpe(argv[0], argv, machines.shell_variables(host, plan.first))  # noqa: S606 - the user's own shell


def main() -> int:
    try:
        {"up": up, "down": down, "shell": shell}[sys.argv[1]]()
    except DeployError as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        line("\nInterrupted. make lab continues from here; make lab-down removes everything.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
