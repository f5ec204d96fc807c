"""libvirt's daemons and QEMU."""

import shutil

from deploy.checks.finding import SIMULATED, Finding, attempt, fail, ok, warn
from deploy.environment import Environment
from deploy.instances import libvirt


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("not needed by simulated hosts")
    if shutil.which("qemu-system-x86_64") is None:
        return fail("QEMU is not installed", f"apt-get install qemu-system-x86, {SIMULATED}")
    if shutil.which("libvirtd", path="/usr/sbin:/usr/bin") is None:
        return fail("libvirt is not installed", f"apt-get install libvirt-daemon-system, {SIMULATED}")
    if not libvirt.answers():
        return ok("libvirtd is installed and not running; make up starts it")
    if trouble := attempt("virsh", "-c", environment["CELERITY_LIBVIRT_URI"], "version"):
        return fail(f"libvirtd listens but does not serve: {trouble}", "Check libvirtd's log, and restart it.")
    if not libvirt.accepts(libvirt.LOG_SOCKET):
        return warn("libvirtd serves, virtlogd does not listen", "Consoles need virtlogd: start it (virtlogd -d).")
    return ok("libvirtd and virtlogd serve")
