"""Speaks to the supervisor over its socket: apply a configuration, start and stop programs, read their states."""

import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from deploy import processes
from deploy.console import tail
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.secrets import write_private

RUNNING, STOPPED = "RUNNING", ("STOPPED", "EXITED", "FATAL")


class Supervisor:
    """The supervisor of one cloud, running or not."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._socket = environment.run / "supervisord.sock"
        self.configuration = environment.run / "supervisord.conf"

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://supervisor", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        """Say whether the supervisor answers. A socket that a killed one left does not."""
        if not self._socket.exists():
            return False
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error):
            return False

    def pid(self) -> int | None:
        """Return the supervisor's process id, None when it does not run."""
        return int(self._call("getPID")) if self.is_running() else None

    def launch(self, text: str) -> None:
        """Write the configuration; start the supervisor with it, or let the running one take it over.

        Programs whose settings or code changed are stopped and added again; unchanged ones keep running.
        """
        write_private(self.configuration, text)
        if self.is_running():
            self._apply()
            return
        started = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.configuration)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
            cwd="/", env=self._environment.for_processes(),
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while started.returncode == 0 and not self.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not self.is_running():
            details = started.stdout + started.stderr + tail(self._environment.log / "supervisord.log", 5)
            raise DeployError("The supervisor did not start.", details=details)

    def _apply(self) -> None:
        added, changed, removed = self._call("reloadConfig")[0]
        self.stop([*changed, *removed])  # all at once, which the supervisor's own order does not do
        for name in [*changed, *removed]:
            self._call("removeProcessGroup", name)
        for name in [*changed, *added]:
            self._call("addProcessGroup", name)

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the supervisor's record of each program by name; empty when it does not run."""
        if not self.is_running():
            return {}
        return {record["name"]: record for record in self._call("getAllProcessInfo")}

    def start(self, names: Iterable[str]) -> None:
        """Ask for programs to be started; those that run are left alone. Does not wait."""
        states = self.states()
        for name in names:
            if states.get(name, {}).get("statename") in {RUNNING, "STARTING"}:
                continue
            try:
                self._call("startProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.ALREADY_STARTED:
                    raise DeployError(f"{name} could not be started: {fault.faultString}") from fault

    def wait_running(self, names: Iterable[str], timeout: float = 30) -> None:
        """Wait until each program counts as started; raise DeployError with the end of its log when one does not."""
        deadline = time.monotonic() + timeout
        for name in names:
            while (state := self.states().get(name, {}).get("statename")) != RUNNING:
                if state == "FATAL" or time.monotonic() > deadline:
                    raise self.failure(name)
                time.sleep(0.1)

    def failure(self, name: str, trouble: str = "does not run") -> DeployError:
        """Return the error that says what a program does not do, with the end of its log."""
        log = self._environment.log / f"{name}.log"
        return DeployError(f"{name} {trouble}.", hint=f"Its log: {log}", details=tail(log))

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs, all at once, and wait until they ended."""
        states = self.states()
        wanted = [name for name in names if states.get(name, {}).get("statename", "STOPPED") not in STOPPED]
        for name in wanted:
            try:
                self._call("stopProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.NOT_RUNNING:
                    raise
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            states = self.states()
            if all(states.get(name, {}).get("statename", "STOPPED") in STOPPED for name in wanted):
                return
            time.sleep(0.1)
        raise DeployError(f"Still running after 90 s: {', '.join(wanted)}.")

    def shut_down(self) -> None:
        """Stop every program, the last started first, and the supervisor itself."""
        pid = self.pid()
        if pid is None:
            return
        process = psutil.Process(pid)
        self._call("shutdown")
        for stubborn in processes.wait_ended([process], 120):
            stubborn.kill()

    def owns(self, pid: int) -> bool:
        """Say whether a process was started by this supervisor, by way of others too."""
        mine = self.pid()
        try:
            return mine is not None and any(parent.pid == mine for parent in psutil.Process(pid).parents())
        except psutil.Error:
            return False
