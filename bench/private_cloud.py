"""A whole cloud to measure: the commands that `make up` runs, on other ports, in a state directory that goes away."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench import statements, usage
from bench.client import Login, Session, sign_in
from deploy import testrun
from deploy.environment import DEFAULTS, REPOSITORY, Environment
from deploy.errors import DeployError
from deploy.supervision import programs

UNBOUNDED = 1_000_000


class PrivateCloud:
    """PostgreSQL, Redis and every process of the cloud, for the ``with`` block.

    PostgreSQL writes safely, as in production, unless ``durable`` is false.
    """

    def __init__(
        self, *, hosts: int = 8, leave_out: tuple[str, ...] = (), durable: bool = True, **settings: str
    ) -> None:
        self.state = Path(tempfile.mkdtemp(prefix=testrun.PREFIX, dir=testrun.root_of_states()))
        self.services = testrun.Services(self.state)
        values = self.services.environment
        database = statements.CountingPostgreSQL if statements.is_installed() else type(self.services.postgresql)
        place = self.state / "postgresql"
        self.services.postgresql = database(place, values["CELERITY_DATABASE_URL"], durable=durable)
        values |= {"CELERITY_HOSTS": str(hosts), "CELERITY_PUBLIC_URL": f"http://{values['CELERITY_LISTEN']}"}
        # A network's quotas cannot be written by the API.
        values |= {"CELERITY_QUOTA_PORTS": str(UNBOUNDED), **settings}
        self.environment = Environment(state=self.state, values={**DEFAULTS, **values})
        self.programs = {program.name: program for program in programs.cloud(self.environment)}
        self.leave_out = leave_out
        if "{listen}" in os.environ.get("BENCH_API", ""):  # another server takes the clients itself
            self.leave_out += ("front",)
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def database_url(self) -> str:
        return self.environment["CELERITY_DATABASE_URL"]

    def __enter__(self) -> "PrivateCloud":
        self.services.__enter__()
        try:
            for directory in (self.environment.run, self.environment.log, self.state / "front"):
                directory.mkdir(exist_ok=True)
            self.manage("migrate", "--noinput", "-v", "0")
            self.manage("bootstrap")
            for name in self.programs:
                if name not in self.leave_out:
                    self.start(name)
            self.await_hosts(int(self.environment["CELERITY_HOSTS"]))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children.values():
            child.terminate()
        for name in list(self.children):
            self.end(name)
        self.services.__exit__()

    def variables(self) -> dict[str, str]:
        ours = {key: value for key, value in self.environment.values.items() if key.startswith("CELERITY_")}
        return {**self.environment.for_processes(), **ours}

    def start(self, name: str) -> None:
        """Run a program; BENCH_API and its like replace its command ({listen} is the address), to compare others."""
        program = self.programs[name]
        command = shlex.split(os.environ.get(f"BENCH_{name.upper().replace('-', '_')}", "")) or program.command
        command = [part.replace("{listen}", self.environment["CELERITY_LISTEN"]) for part in command]
        with (self.environment.log / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                command, cwd=program.directory, env={**self.variables(), **program.environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self, name: str) -> None:
        """Stop a program; kill it after 15 s."""
        child = self.children.pop(name, None)
        if child is None:
            return
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def manage(self, *arguments: str) -> str:
        """Run a management command. Raises DeployError with what it said when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=self.variables(),
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise DeployError(f"manage.py {arguments[0]} failed.", details=done.stdout + done.stderr)
        return done.stdout

    def await_hosts(self, count: int) -> None:
        """Wait until the API answers and that many hosts are up. Raises DeployError after 90 s."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            ended = [name for name, child in self.children.items() if child.poll() is not None]
            if ended:
                text = (self.environment.log / f"{ended[0]}.log").read_text()[-3000:]
                raise DeployError(f"{ended[0]} ended at once.", details=text)
            if self._answers() and self._hosts() >= count:
                return
            time.sleep(0.2)
        raise DeployError("The cloud did not come up within 90 s.")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.environment.public_url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _hosts(self) -> int:
        session = self.session("admin")
        hypervisors = session.http.call("GET", f"{session.nova}/os-hypervisors/detail")[2].get("hypervisors", [])
        return sum(1 for hypervisor in hypervisors if hypervisor["state"] == "up")

    # --- callers --------------------------------------------------------------------------------

    def login(self, name: str) -> Login:
        password = self.environment[f"CELERITY_{name.upper()}_PASSWORD"]
        return Login(f"{self.environment.public_url}/identity", name, password, name)

    def session(self, name: str) -> Session:
        return sign_in(self.login(name))

    def prepare(self, image: Path | None = None, form: str = "raw") -> tuple[str, str]:
        """Lift the demo project's compute quotas, load an image and make a network of 65,000 addresses, all by the API.

        Returns the ids of image and network.
        """
        admin, demo = self.session("admin"), self.session("demo")
        lifted = dict.fromkeys(("instances", "cores", "ram"), -1)  # a million MiB were 7,812 servers
        _ask(admin, "PUT", f"{admin.nova}/os-quota-sets/{demo.project_id}", {"quota_set": lifted}, 200)
        described = {"name": "bench", "disk_format": form, "container_format": "bare", "visibility": "public"}
        made = _ask(admin, "POST", f"{admin.glance}/images", described, 201)["id"]
        bits = image.read_bytes() if image else b"\x01" * 65536
        status = admin.http.call(
            "PUT", f"{admin.glance}/images/{made}/file", bits, {"Content-Type": "application/octet-stream"}
        )[0]
        if status != 204:
            raise DeployError(f"The image was not taken: {status}.")
        network = _ask(demo, "POST", f"{demo.neutron}/networks", {"network": {"name": "bench"}}, 201)["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.64.0.0/16"}
        _ask(demo, "POST", f"{demo.neutron}/subnets", {"subnet": subnet}, 201)
        return str(made), str(network)

    # --- what it uses ---------------------------------------------------------------------------

    def roots(self) -> dict[str, int]:
        """Return the process that each tree hangs from, by program."""
        pids = {name: child.pid for name, child in self.children.items()}
        for server in (self.services.postgresql, self.services.redis):
            if (pid := server.pid()) is not None:
                pids[server.name] = pid
        return pids

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds used so far by program."""
        return {name: usage.cpu_seconds([pid]) for name, pid in self.roots().items()}

    def memory(self) -> dict[str, usage.Memory]:
        return {name: usage.memory(pid) for name, pid in self.roots().items()}


def _ask(session: Session, method: str, url: str, body: Any, expected: int) -> Any:
    status, _, document = session.http.call(method, url, body)
    if status != expected:
        raise DeployError(f"{method} {url}: {status} {str(document)[:300]}")
    return document
