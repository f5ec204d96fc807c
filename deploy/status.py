"""`make status`: processes, their health, and the hosts."""

import sys
import time
from typing import Any

import psutil
from rich.table import Table

from deploy import health, metadata
from deploy.cloud_api import CloudApi
from deploy.console import console, explain, line
from deploy.environment import Environment, load, up_command
from deploy.errors import DeployError
from deploy.lab import machines
from deploy.lab import plan as plans
from deploy.ovn import health as ovn
from deploy.ovn import places
from deploy.supervision.client import RUNNING, Supervisor


def memory(pid: int) -> float:
    """Return the proportional set size of a process and its children, in MiB (shared pages counted once)."""
    total = 0.0
    try:
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            total += member.memory_full_info().pss / 1024**2
    except psutil.Error:
        pass
    return total


def process_table(states: dict[str, dict[str, Any]]) -> Table:
    table = Table("process", "state", "pid", "up", "memory", box=None, pad_edge=False)
    for name, record in states.items():
        up = time.time() - record["start"] if record["pid"] else 0
        colour = "green" if record["statename"] == RUNNING else "red"
        table.add_row(
            name,
            f"[{colour}]{record['statename']}[/{colour}]",
            str(record["pid"] or "-"),
            f"{up / 3600:.1f} h" if up > 3600 else f"{up:.0f} s",
            f"{memory(record['pid']):.0f} MiB" if record["pid"] else "-",
        )
    return table


def host_table(api: CloudApi) -> Table:
    table = Table("host", "state", "status", "servers", "vCPUs", "RAM", box=None, pad_edge=False)
    for host in api.get("/compute/v2.1/os-hypervisors/detail")["hypervisors"]:
        table.add_row(
            host["hypervisor_hostname"],
            host["state"],
            host["status"],
            str(host.get("running_vms", "-")),
            f"{host.get('vcpus_used', '-')}/{host.get('vcpus', '-')}",
            f"{host.get('memory_mb_used', '-')}/{host.get('memory_mb', '-')} MiB",
        )
    return table


def show(environment: Environment) -> bool:
    """Print it all; say whether the cloud is healthy."""
    states = Supervisor(environment).states()
    if not states:
        line(f"The cloud of {environment.state} is not running. Start it: {up_command(environment.state)}")
        return False
    console.print(process_table(states))
    network = ovn.examine(places.of(environment)) if environment.ovn else None
    if network is not None:
        line(f"\nOVN: {network}")
        line(f"Metadata: {metadata.ask(environment) or 'the process does NOT answer'}")
    serves = agent(environment) if environment.is_host else services(environment)
    return serves and (network is None or network.well) and all(r["statename"] == RUNNING for r in states.values())


def agent(environment: Environment) -> bool:
    """Print whether this machine's agent takes work; its cloud runs elsewhere."""
    answers = health.agent(environment, timeout=1.0)
    line(f"\nAgent of {environment.hostname}: {'answers' if answers else 'does NOT answer'}")
    return answers


def services(environment: Environment) -> bool:
    """Print the health of API, Flower and workers, and the hosts."""
    api, flower = health.api(environment), health.flower(environment)
    workers = health.workers(environment)
    line(f"\nAPI {environment.public_url}: {'healthy' if api else 'NOT healthy'}")
    line(f"Flower {environment.public_url}/flower/: {'healthy' if flower else 'NOT healthy'}")
    line(f"Workers that answer: {', '.join(sorted(workers)) or 'none'}\n")
    if api:
        try:
            console.print(host_table(CloudApi(environment.clouds_yaml, "celerity-admin")))
        except DeployError as error:
            explain(error)
            return False
    return api and flower and bool(workers)


def lab() -> None:
    """Print the hosts of this machine's lab, if there is one."""
    plan = plans.present(plans.directory())
    if plan is not None:
        hosts = [f"{host.name} {'on' if machines.is_on(host) else 'OFF'}" for host in plan.hosts]
        line(f"\nLab in {plan.directory}: {', '.join(hosts)}; make status STATE={plan.first.state}")


if __name__ == "__main__":
    healthy = show(load())
    lab()
    sys.exit(0 if healthy else 1)
