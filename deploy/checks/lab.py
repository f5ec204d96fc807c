"""The lab of this machine, where there is one: every host is on, or it is gone with all that it had."""

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment
from deploy.lab import plan as plans


def check(environment: Environment) -> Finding:
    directory = plans.directory()
    plan = plans.present(directory)
    if plan is None:
        if left := plans.own_devices():
            return fail(f"{', '.join(left)}: of a lab whose directory {directory} is gone", "make lab-down")
        return ok("none (make lab HOSTS=3)")
    if any(host.state == environment.state for host in plan.hosts):
        return ok("this machine is a host of it")
    from deploy.lab import machines  # needs more than the standard library

    off = [host.name for host in plan.hosts if not machines.is_on(host)]
    if off:
        return fail(f"{', '.join(off)} of {plan.count} hosts: off", "make lab starts them; make lab-down removes all.")
    return ok(f"{plan.count} hosts in {directory}, {plan.url}")
