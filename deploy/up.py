"""`make up`: from nothing to a running cloud with a first server. Safe to run again at any point."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deploy import first_image, first_server, health, kvm_device, manage, ports, processes, secrets
from deploy.console import console, explain, line, stage
from deploy.environment import SYSTEM_STATE, Environment, state_directory
from deploy.errors import DeployError
from deploy.instances import libvirt
from deploy.instances.postgresql import PostgreSQL
from deploy.instances.redis import Redis
from deploy.ovn import former, offloads
from deploy.ovn import startup as ovn
from deploy.supervision import config, orphans, programs
from deploy.supervision.client import Supervisor

LIBVIRT_PROGRAMS = {"virtlogd", "libvirtd"}


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the state directory: two `make up` or `make down` at once would undo one another."""
    (state / "run").mkdir(parents=True, exist_ok=True)
    with (state / "run" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line("Another make up or make down is running on this state; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def require_rights(environment: Environment) -> None:
    """Raise DeployError where real guests are wanted and cannot be had."""
    if not environment.simulated and os.geteuid() != 0:
        raise DeployError(
            "Real guests need root: Open vSwitch, libvirt's system socket.",
            hint="As root: make up. Without: make up HYPERVISOR=simulated HOSTS=5 (the same cloud on simulated hosts).",
        )


def make_directories(environment: Environment) -> None:
    """Make the state's directories. QEMU's account enters some of them; secret files have stricter modes."""
    environment.state.chmod(0o755)
    environment.log.mkdir(exist_ok=True)
    environment.log.chmod(0o750)
    environment.run.chmod(0o700)
    (environment.state / "front").mkdir(mode=0o700, exist_ok=True)  # before both ends of the socket in it start


def own_libvirt(environment: Environment, supervisor: Supervisor) -> bool:
    """Decide whether to run libvirt's daemons: nothing else runs them, or ours already run."""
    if environment.simulated:
        return False
    kvm_device.fix_mode()
    states = supervisor.states()
    if any(states.get(name, {}).get("pid") for name in LIBVIRT_PROGRAMS):
        return True
    return not libvirt.answers() and not libvirt.ask_systemd()


def launch_services(environment: Environment, supervisor: Supervisor) -> None:
    """Start the supervisor, and under it the servers that the cloud needs."""
    processes.end(orphans.find(environment, supervisor.pid()), 20)
    ports.require_free(ports.endpoints(environment), supervisor.owns)
    if environment.ovn:
        ovn.prepare(environment)
    for server in own_servers(environment):
        server.prepare()
    with_libvirt = own_libvirt(environment, supervisor)
    services = programs.services(environment, with_libvirt=with_libvirt)
    every = services + programs.network(environment) + programs.cloud(environment)
    supervisor.launch(config.render(environment, every))
    supervisor.start(program.name for program in services)
    for server in own_servers(environment):
        server.wait_ready()
        if isinstance(server, PostgreSQL):
            server.provision()
    if with_libvirt and not libvirt.wait(20):
        raise supervisor.failure("libvirtd")
    supervisor.wait_running(program.name for program in services)


def own_servers(environment: Environment) -> list[PostgreSQL | Redis]:
    """Return the servers that we run, by what the URLs say."""
    servers: list[PostgreSQL | Redis] = []
    if environment.private_database:
        servers.append(programs.postgresql(environment))
    if environment.private_broker:
        servers.append(programs.redis(environment))
    return servers


def launch_cloud(environment: Environment, supervisor: Supervisor) -> None:
    """Start the cloud's own processes and wait until each does its work."""
    names = [program.name for program in programs.cloud(environment)]
    if environment.ovn and not environment.is_host:
        # Networks first: an agent that starts finds them where it plugs guests.
        supervisor.start(["network-worker"])
        ovn.wait_translated(environment, supervisor)
    supervisor.start(names)
    if environment.is_host:
        health.wait("host-agent", supervisor, lambda: health.agent(environment))
        supervisor.wait_running(names)
        return
    health.wait("api", supervisor, lambda: health.api(environment))
    health.wait("flower", supervisor, lambda: health.flower(environment))
    # The scheduler, and at least one host.
    health.wait("host-agent", supervisor, lambda: len(health.workers(environment, timeout=0.5)) >= 2)
    supervisor.wait_running(names)


def collect_static(environment: Environment) -> None:
    """Copy static files under hashed names and compressed, once for each version of them."""
    mark = environment.state / "static" / ".collected"
    version = programs.release()
    if not mark.exists() or mark.read_text() != version:
        manage.run(environment, "collectstatic", "--noinput", "--clear", "-v", "0")
        mark.write_text(version)


def image_file(environment: Environment) -> tuple[Path, str]:
    """Return the guest image and its format: the built one, or an empty disk where simulated hosts cannot build it."""
    try:
        return first_image.ensure(environment.log / "guest-image.log"), "qcow2"
    except DeployError:
        if not environment.simulated:
            raise
    blank = environment.run / "blank.raw"
    with blank.open("wb") as file:
        file.truncate(1024 * 1024)
    return blank, "raw"


def load_image(environment: Environment, built: "Future[tuple[Path, str]]") -> None:
    path, form = built.result()
    name, agent = first_server.IMAGE, "hw_qemu_guest_agent=yes"  # tiny has one, and so have simulated guests
    options = ("--name", name, "--file", str(path), "--disk-format", form, "--property", agent)
    manage.run(environment, "load_image", *options)


def bring_up_network(environment: Environment, supervisor: Supervisor) -> None:
    if environment.ovn:
        with stage("Open vSwitch, OVN"):
            ovn.bring_up(environment, supervisor)


def complete_upgrade(environment: Environment) -> None:
    """Remove what the former network driver left, once the agent has moved every guest."""
    if former.is_pending(environment):
        with stage("Guests moved to Open vSwitch"):
            former.remove_bridges(environment)
        former.finish(environment)


def bring_up_host(environment: Environment) -> None:
    """Start what a further host of a cloud runs: libvirt, its part of OVN, the agent."""
    supervisor = Supervisor(environment)
    with stage("Supervisor" if environment.simulated else "libvirt"):
        launch_services(environment, supervisor)
    bring_up_network(environment, supervisor)
    with stage("Agent"):
        launch_cloud(environment, supervisor)
    complete_upgrade(environment)


def bring_up(environment: Environment) -> first_server.FirstServer | None:
    """Do everything, stage by stage; return the first server, None where none is wanted."""
    supervisor = Supervisor(environment)
    with ThreadPoolExecutor(max_workers=1) as background:
        built = background.submit(image_file, environment)
        upgrading = former.is_pending(environment)
        if upgrading and supervisor.is_running():
            former.require_choice(environment)  # before anything of the running cloud is stopped
        with stage("PostgreSQL, Redis" + ("" if environment.simulated else ", libvirt")):
            launch_services(environment, supervisor)
        with stage("Database schema"):
            manage.run(environment, "migrate", "--noinput", "-v", "0")
        if upgrading:
            former.require_choice(environment)
        bring_up_network(environment, supervisor)
        with stage("Users, roles, flavors, first network"):
            manage.run(environment, "bootstrap")
        if upgrading:
            former.change_rows(environment)
        with stage("Static files"):
            collect_static(environment)
        with stage("Processes: API, scheduler, beat, hosts, Flower"):
            launch_cloud(environment, supervisor)
        complete_upgrade(environment)
        with stage("Guest image"):
            load_image(environment, built)
    if environment["CELERITY_FIRST_SERVER"] == "false":
        return None
    with stage(f"First server, built as {first_server.KEY}", drawn=True):
        return first_server.boot(environment)


def way_in(environment: Environment, server: first_server.FirstServer) -> str:
    """Return the line about the first server, with the command that leads into it."""
    # Nothing of a network under OVN is in this machine's routing table: its guests are reached by floating IPs.
    reachable = "" if environment.simulated else server.address
    if environment.ovn:
        reachable = server.floating_ip if server.reachable else ""
    addresses = ", ".join(filter(None, (server.address, server.floating_ip))) or "no address"
    hint = f"ssh -i {server.key} root@{reachable}" if reachable else ""
    if server.status == "SHUTOFF":
        hint = f"openstack server start {first_server.NAME}"
    return f"  First server   {first_server.NAME}, {server.status}, {addresses}   {hint}\n"


def summarise(environment: Environment, server: first_server.FirstServer | None, seconds: float) -> None:
    """Print what runs, and where everything is."""
    url = environment.public_url
    state = "" if environment.state == SYSTEM_STATE else f" STATE={environment.state}"
    groups = (
        "Security groups are enforced: the group default admits replies and its own members alone."
        if environment.ovn
        else "Security groups are not enforced in this cloud: rules are stored, and all traffic reaches the servers."
    )
    if server is not None and server.console:
        line(f"\nLast lines of the console of {first_server.NAME}:")
        for text in server.console.rstrip().splitlines()[-12:]:
            line(f"    | {text}")
    line(f"""
Celerity is up after {seconds:.1f} s.

  API            {url}  (/identity /compute/v2.1 /image /network /volume)
  API, described {url}/api/docs/
  Admin          {url}/admin/   user admin, password CELERITY_ADMIN_PASSWORD
  Flower         {url}/flower/   the admin's sign-in
  Passwords      {environment.file}
  clouds.yaml    {environment.clouds_yaml}   clouds celerity-admin and celerity-demo
  Logs           {environment.log}   (make logs)
{way_in(environment, server) if server else ""}
{groups}

Try it:
    eval "$(make env{state})"
    openstack server list

Stop it: make down{state}""")


def main() -> int:
    started = time.monotonic()
    try:
        former.note(state_directory())
        environment = secrets.ensure(state_directory())
        require_rights(environment)
        with alone(environment.state):
            make_directories(environment)
            server = None
            if environment.is_host:
                environment = offloads.follow(environment)
                bring_up_host(environment)
            else:
                server = bring_up(environment)
        seconds = time.monotonic() - started
        if environment.is_host:
            line(
                f"{environment.hostname} is up after {seconds:.1f} s, a host of the cloud at {environment.public_url}."
            )
        else:
            summarise(environment, server, seconds)
    except PermissionError as error:
        explain(DeployError(f"{error.strerror}: {error.filename}", hint="make up STATE=/a/directory/of/yours"))
        return 1
    except DeployError as error:
        explain(error)
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. make up continues from here; make down stops everything.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
