"""A whole cloud of real processes on simulated hosts, to talk to over HTTP and to kill parts of."""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import redis
import requests

from deploy import processes
from deploy.supervision.programs import gunicorn_limits
from deploy.testrun import Services
from tests import sentinels
from tests.warm_commands import WarmCommands

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
CELERY = [PYTHON, "-m", "cloud.celery_command"]
DEADLINE_SECONDS = 60.0


def wait_for(condition: Callable[[], Any], *, what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Return the first true value of ``condition``. Raises AssertionError naming ``what`` after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def signed_in(url: str, name: str, password: str) -> requests.Session:
    """Return a session of the admin pages."""
    session = requests.Session()
    address = f"{url}/admin/login/"
    session.get(address, timeout=30)
    form = {"username": name, "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"], "next": "/"}
    answer = session.post(address, form, headers={"Referer": address}, timeout=30, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return session


class Cloud:
    """API, scheduler, beat and host agent as separate processes. A supervisor thread restarts what dies."""

    def __init__(self, services: Services, *, agents: Sequence[str] = (), **settings: str) -> None:
        """``agents``: simulated hosts that have an agent each, ``agent:<host>``; without, one agent serves all."""
        self.services = services
        self.agents = [f"agent:{host}" for host in agents] or ["agent"]
        self.environment = {
            **os.environ,
            **services.environment,
            "CELERITY_PUBLIC_URL": f"http://{services.environment['CELERITY_LISTEN']}",
            "CELERITY_HEARTBEAT": "1",
            "CELERITY_HOST_DOWN": "6",
            "CELERITY_SWEEP_INTERVAL": "0.5",
            "CELERITY_SWEEP_GRACE": "1",
            "CELERITY_RECOVERY": "2",
            "CELERITY_RECONCILE": "2",
            "CELERITY_LOCK_WAIT": "3",
            "CELERITY_API_PROCESSES": "1",
            "CELERITY_SHELVED_OFFLOAD_TIME": "-1",
            **settings,
        }
        self.state = Path(self.environment["CELERITY_STATE_DIR"])
        self.plan_file = self.state / "simulation.json"
        self.url = self.environment["CELERITY_PUBLIC_URL"]
        self.http = requests.Session()
        self.overrides: dict[str, dict[str, str]] = {}  # settings of single processes
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._held: set[str] = set()
        # Held while processes start and end: a start by the test and one by the supervisor would make two agents.
        self._changing = threading.RLock()
        self._images: dict[str, str] = {}
        self._stopping = threading.Event()
        self._commands = WarmCommands()

    def command(self, name: str) -> list[str]:
        name = name.partition(":")[0]
        threads = self.environment.get("CELERITY_SCHEDULER_THREADS", "4")
        socket = f"unix:{self.state}/front/api-0.sock"
        commands = {
            "front": [PYTHON, "-m", "deploy.front"],
            "api": [PYTHON, "-m", "gunicorn", "cloud.wsgi:application", "-b", socket, "-w", "1",
                    "--threads", "8", "-k", "gthread", "--no-control-socket", "--log-level", "warning",
                    *gunicorn_limits()],
            "scheduler": [*CELERY, "worker", "-n", "scheduler@%h", "-Q", "scheduler,periodic", "-P", "threads",
                          "-c", threads, "--without-gossip", "--without-mingle", "-l", "WARNING"],
            "beat": [PYTHON, "-m", "cloud.beat", str(self.state / "beat-schedule")],
            "agent": [PYTHON, "manage.py", "host_agent"],
            "network-worker": [PYTHON, "manage.py", "network_worker"],  # where a test asks for it
            "metadata": [PYTHON, "-m", "workers.host.metadata"],  # the same
            "flower": [*CELERY, "flower", "--url_prefix=flower",
                       f"--unix_socket={self.state}/front/flower.sock"],  # started where a test asks for it
        }  # fmt: skip
        return commands[name]

    # --- life -----------------------------------------------------------------------------------

    def __enter__(self) -> "Cloud":
        self._migrate()
        self.manage("bootstrap")
        (self.state / "front").mkdir(mode=0o700, exist_ok=True)
        for name in ("front", "api", "scheduler", "beat", *self.agents):
            self.start(name)
        threading.Thread(target=self._supervise, daemon=True).start()
        wait_for(self.healthy, what="a healthy API")
        self.token = self.sign_in("demo")
        self.admin_token = self.sign_in("admin")
        wait_for(lambda: self.hosts_up() >= len(self.agents), what="registered hosts")
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._stopping.set()
            for process in self._processes.values():
                process.kill()
        for process in self._processes.values():
            process.wait()
        self._commands.stop()
        sentinels.look_at_logs(self.services.state)

    def _migrate(self) -> None:
        """Make the tables: by migrations for the first cloud of this process, for others from a dump of that one's."""
        url = self.environment["CELERITY_DATABASE_URL"]
        dump = Path(tempfile.gettempdir()) / f"celerity-tables-{os.getpid()}.sql"
        if self.rows("SELECT 1 FROM pg_tables WHERE tablename = 'django_migrations'"):  # a restored database
            self.manage("migrate", "--verbosity", "0")
            return
        if dump.exists():
            command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-d", url, "-f", str(dump)]
            subprocess.run(command, check=True)
            return
        self.manage("migrate", "--verbosity", "0")
        subprocess.run(["pg_dump", "--no-owner", "-f", str(dump), "-d", url], check=True)
        atexit.register(dump.unlink, missing_ok=True)

    def start(self, name: str) -> None:
        with self._changing:
            self._held.discard(name)
            self._spawn(name)

    def _spawn(self, name: str) -> None:
        (self.state / "log").mkdir(exist_ok=True)
        environment = {**self.environment, "CELERITY_PROCESS": "host-agent" if name in self.agents else name}
        if name in self.agents:
            environment["CELERITY_SERVED_HOSTS"] = name.partition(":")[2]
        environment |= self.overrides.get(name, {})
        if name == "flower":
            environment["FLOWER_BASIC_AUTH"] = f"admin:{self.environment['CELERITY_FLOWER_PASSWORD']}"
        with (self.state / "log" / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self.command(name), cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self, name: str, *, restart: bool = True) -> None:
        """SIGKILL a process; the supervisor starts it again unless ``restart`` is False."""
        with self._changing:
            if not restart:
                self._held.add(name)
            workers = []
            if name == "api" or (name == "front" and not restart):  # the workers are the processes that serve
                workers = psutil.Process(self._processes[name].pid).children(recursive=True)
            self._processes[name].kill()
            self._processes[name].wait()
            processes.end(workers, 0)  # after their master, which would make new ones

    def lose_hosts(self, *hosts: str, seconds: float = 3) -> None:
        """Kill the agents of hosts (without any: of all) for good. Their silence began before: soon they are down."""
        for name in [f"agent:{host}" for host in hosts] or ["agent"]:
            self.kill(name, restart=False)
        silent = float(self.environment["CELERITY_HOST_DOWN"]) - seconds
        statement = "UPDATE scheduling_host SET heartbeat_at = now() - make_interval(secs => %s)"
        self.rows(f"{statement} WHERE %s OR name = ANY(%s)", silent, not hosts, list(hosts))

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self._processes[name].pid, number)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def _supervise(self) -> None:
        while not self._stopping.wait(0.1):
            self.restart_dead()

    def restart_dead(self) -> None:
        """Start each process that ended without being held down."""
        with self._changing:
            if self._stopping.is_set():
                return
            for name, process in list(self._processes.items()):
                if name not in self._held and process.poll() is not None:
                    self.start(name)

    def healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def hosts_up(self) -> int:
        """Return how many hosts have a recent heartbeat."""
        limit = float(self.environment["CELERITY_HOST_DOWN"])
        statement = "SELECT count(*) FROM scheduling_host WHERE heartbeat_at > now() - make_interval(secs => %s)"
        return int(self.rows(statement, limit)[0][0])

    def manage(self, *arguments: str, check: bool = True) -> str:
        done = self._commands.run(*arguments, environment=self.environment)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def log(self, name: str) -> str:
        return (self.state / "log" / f"{name}.log").read_text(errors="replace")

    # --- rows -----------------------------------------------------------------------------------

    @contextmanager
    def database(self) -> Iterator[Any]:
        connection = psycopg2.connect(self.environment["CELERITY_DATABASE_URL"])
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
            return list(found)

    @contextmanager
    def locked(self, statement: str, *values: Any) -> Iterator[None]:
        """Hold row locks (SELECT … FOR UPDATE) for the block: other writers of these rows wait."""
        with self.database() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            yield
            connection.rollback()

    # --- HTTP -----------------------------------------------------------------------------------

    def sign_in(self, name: str) -> str:
        password = self.environment[f"CELERITY_{name.upper()}_PASSWORD"]
        scope = {"project": {"name": name, "domain": {"id": "default"}}}
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        return self.http.post(f"{self.url}/identity/v3/auth/tokens", json=body, timeout=30).headers["X-Subject-Token"]

    def call(
        self, method: str, path: str, body: Any = None, *, admin: bool = False, **kwargs: Any
    ) -> requests.Response:
        headers = {
            "X-Auth-Token": self.admin_token if admin else self.token,
            "OpenStack-API-Version": "compute 2.96",
            **kwargs.pop("headers", {}),
        }
        return self.http.request(method, self.url + path, json=body, headers=headers, timeout=60, **kwargs)

    def image(self, name: str = "test") -> str:
        """Return the id of the image of this name (its bits differ from other names'), made at the first call."""
        if name in self._images:
            return self._images[name]
        values = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
        values["hw_qemu_guest_agent"] = "true"  # simulated guests have an agent
        answer = self.call("POST", "/image/v2/images", values, admin=True)
        assert answer.status_code == 201, answer.text
        made = answer.json()["id"]
        sent = self.http.put(
            f"{self.url}/image/v2/images/{made}/file",
            data=name.encode().ljust(65536, b"\x01"),
            headers={"X-Auth-Token": self.admin_token, "Content-Type": "application/octet-stream"},
            timeout=60,
        )
        assert sent.status_code == 204, sent.text
        self._images[name] = str(made)
        return str(made)

    def post_server(self, name: str = "vm", *, admin: bool = False, **values: Any) -> requests.Response:
        """Ask for a server, with user data that no log may show (tests/sentinels.py)."""
        base = {"name": name, "imageRef": self.image(), "flavorRef": "1", "networks": "auto"}
        body = {**base, "user_data": sentinels.USER_DATA, **values}
        return self.call("POST", "/compute/v2.1/servers", {"server": body}, admin=admin)

    def create(self, name: str = "vm", **values: Any) -> str:
        response = self.post_server(name, **values)
        assert response.status_code == 202, response.text
        return str(response.json()["server"]["id"])

    def server(self, server_id: str) -> dict[str, Any] | None:
        response = self.call("GET", f"/compute/v2.1/servers/{server_id}", admin=True)
        return response.json()["server"] if response.status_code == 200 else None

    def settled(self, server_id: str, *, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """Return the server once no task is under way."""

        def look() -> dict[str, Any] | None:
            found = self.server(server_id)
            done = found and found["status"] != "BUILD" and not found["OS-EXT-STS:task_state"]
            return found if done and not self.open_runs(server_id) else None

        return dict(wait_for(look, what=f"server {server_id} at rest", seconds=seconds))

    def open_runs(self, server_id: str | None = None) -> list[tuple[Any, ...]]:
        columns = "id, pipeline, state, next_step, step_state"
        statement = f"SELECT {columns} FROM workflow_run WHERE state IN ('queued', 'running', 'reverting')"
        return self.rows(statement + " AND subject_id = %s", server_id) if server_id else self.rows(statement)

    def delete(self, server_id: str, *, seconds: float = DEADLINE_SECONDS) -> None:
        response = self.call("DELETE", f"/compute/v2.1/servers/{server_id}")
        assert response.status_code in (204, 404), response.text
        wait_for(lambda: self.server(server_id) is None, what=f"server {server_id} gone", seconds=seconds)

    def delete_all(self) -> None:
        listed = self.call("GET", "/compute/v2.1/servers?all_tenants=1&soft_deleted=1", admin=True).json()["servers"]
        for one in listed:
            self.call("DELETE", f"/compute/v2.1/servers/{one['id']}", admin=True)
        wait_for(
            lambda: (
                not self.call("GET", "/compute/v2.1/servers?all_tenants=1&soft_deleted=1", admin=True).json()["servers"]
            ),
            what="all servers gone",
        )

    # --- faults and residue ---------------------------------------------------------------------

    def plan(self, *faults: dict[str, Any], **delays_s: float) -> None:
        """Set which faults simulated hosts have from now on; without arguments none."""
        text = json.dumps({"delays_s": delays_s, "faults": list(faults)})
        temporary = self.plan_file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.plan_file)

    def inconsistencies(self) -> list[dict[str, Any]]:
        """Return what `celerity consistency` finds: rows and hosts that do not agree."""
        return list(json.loads(self.manage("consistency", "--json", check=False).splitlines()[-1]))

    def messages(self) -> dict[str, int]:
        """Return how many messages wait in the broker, by queue; what beat sends all the time is left out."""
        broker: Any = redis.Redis.from_url(self.environment["CELERITY_BROKER_URL"], socket_timeout=10)
        names = [key.decode() for key in broker.scan_iter("*", _type="list")]
        queues = [name for name in names if name == "scheduler" or name.startswith("host.")]
        return {name: count for name in queues if (count := broker.llen(name))}

    def assert_clean(self) -> None:
        """No run is open, no message is left in a queue, and rows and hosts agree."""
        wait_for(lambda: not self.open_runs(), what="no open run")
        try:
            wait_for(lambda: not self.inconsistencies(), what="rows and hosts that agree", seconds=20)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.inconsistencies()}") from None
