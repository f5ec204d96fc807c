"""`make test`: pytest with its own PostgreSQL and Redis, in a state directory that is removed afterwards.

A cloud that runs on the same machine is not disturbed: other ports, another state directory, none of its settings.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

import psutil

from deploy import ports, processes, secrets
from deploy.environment import REPOSITORY, Environment
from deploy.errors import DeployError
from deploy.front.nginx import Front
from deploy.instances.libvirt import TemporaryDaemons
from deploy.instances.postgresql import PostgreSQL
from deploy.instances.process import die_with_parent
from deploy.instances.redis import Redis
from deploy.lab import plan as plans

PREFIX = "celerity-test-"
SENTINEL = "s3ntinel"  # in every password and key of a test's cloud: tests/sentinels.py looks for it in all logs
INTERRUPTED = 130
SLOWEST = 20  # tests whose times are shown at the end of a whole run


def root_of_states() -> Path:
    """Return where test states are made: the account `postgres` has to be able to enter."""
    return Path("/var/lib") if os.geteuid() == 0 else Path(tempfile.gettempdir())


def move_port(url: str) -> str:
    """Return the URL with its port replaced by a free one."""
    parts = urlsplit(url)
    userinfo = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.hostname}:{ports.find_free()}"))


def marked(value: str) -> str:
    """Return a generated secret, or a URL with one, that tests can recognise."""
    parts = urlsplit(value)
    if not parts.password:
        return SENTINEL + value
    return value.replace(f":{parts.password}@", f":{SENTINEL}{parts.password}@")


def settings(state: Path) -> dict[str, str]:
    """Return the settings of a cloud that shares nothing with another one on this machine and logs all it can."""
    fresh = {name: marked(value) for name, value in secrets.generate().items()}
    fresh["CELERITY_DATABASE_URL"] = move_port(fresh["CELERITY_DATABASE_URL"])
    fresh["CELERITY_BROKER_URL"] = move_port(fresh["CELERITY_BROKER_URL"])
    return {
        **fresh,
        "CELERITY_STATE_DIR": str(state),
        "CELERITY_LISTEN": f"127.0.0.1:{ports.find_free()}",
        "CELERITY_HYPERVISOR": "simulated",
        "CELERITY_HOSTS": "3",
        "CELERITY_HOST": "test",
        "CELERITY_LOG_LEVEL": "DEBUG",
    }


def make_state() -> Path:
    """Make a state directory of this process's own."""
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    claim(state)
    return state


def claim(state: Path) -> None:
    """Mark a state directory as this process's, so that `sweep` spares it while we live; let other accounts enter."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o755)
    own = psutil.Process()
    (state / "owner").write_text(f"{own.pid} {own.create_time()}\n")


def has_owner(state: Path) -> bool:
    """Say whether the process that made a state directory lives; one that was made this minute counts as owned."""
    try:
        pid, born = (state / "owner").read_text().split()
        return abs(psutil.Process(int(pid)).create_time() - float(born)) < 1
    except psutil.Error:
        return False
    except (OSError, ValueError):
        return state.exists() and time.time() - state.stat().st_mtime < 60


class Services:
    """A PostgreSQL and a Redis in one state directory, for as long as the `with` block runs."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environment = settings(state)
        self.postgresql = PostgreSQL(
            state / "postgresql", self.environment["CELERITY_DATABASE_URL"], durable=False
        )  # a crash of the machine ends the test run anyway
        self.redis = Redis(state / "redis", self.environment["CELERITY_BROKER_URL"])

    def __enter__(self) -> "Services":
        claim(self.state)
        try:
            self.postgresql.start()
            self.redis.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        end_processes_of(self.state)
        self.redis.stop()
        self.postgresql.stop()
        shutil.rmtree(self.state, ignore_errors=True)


def end_processes_of(state: Path) -> None:
    """End what tests started and did not end: every process but ours whose state directory is this one."""
    strays = []
    spared = {os.getpid(), os.getppid()}
    for process in psutil.process_iter():
        try:
            theirs = process.environ().get("CELERITY_STATE_DIR", "")
        except psutil.Error:
            continue
        if process.pid not in spared and (theirs == str(state) or theirs.startswith(f"{state}/")):
            strays.append(process)
    processes.end([*strays, *Front(Environment(state=state, values={})).left()], 3)


def sweep() -> None:
    """Remove what test runs that were killed have left: their servers and their directories."""
    for state in root_of_states().glob(f"{PREFIX}*"):
        if has_owner(state) or not state.is_dir() or state.stat().st_uid != os.geteuid():
            continue
        end_processes_of(state)
        PostgreSQL(state / "postgresql", "postgresql://127.0.0.1/none").stop()
        Redis(state / "redis", "redis://127.0.0.1/0").stop()
        if lab := plans.present(state / "lab"):
            subprocess.run(["ip", "netns", "delete", lab.namespace], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(state, ignore_errors=True)


def pytest_command(arguments: list[str]) -> list[str]:
    """Return the pytest command: what the arguments choose in one process; without any, all but the tests marked
    ``heavy`` on all cores; with ``--all``, those too.
    """
    command = [sys.executable, "-m", "pytest", "-p", "deploy.testworker"]
    chosen = [argument for argument in arguments if argument != "--all"]
    if not chosen:
        command += [f"--durations={SLOWEST}", "--durations-min=1"]
        if "--all" not in arguments:
            command += ["-m", "not heavy"]
    jobs = os.environ.get("TEST_JOBS") or ("0" if chosen else str(min(os.cpu_count() or 1, 4)))
    if jobs not in {"0", "1"} and "-n" not in chosen:
        # Tests of one group (see tests/services.py) share a worker: real guests and killed processes one at a time.
        command += ["-n", jobs]
    return [*command, *chosen]


def run_pytest(command: list[str], environment: dict[str, str]) -> int:
    """Run pytest to its end. On Ctrl-C it gets the signal itself, from the terminal, and the time to tidy up."""
    child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, preexec_fn=die_with_parent(signal.SIGTERM))
    try:
        return child.wait()
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            child.terminate()
        try:
            child.wait(timeout=30)
        except BaseException:
            child.kill()
            child.wait()
        raise


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    sweep()
    state = make_state()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CELERITY_", "OS_", "DJANGO_"))}
    try:
        with Services(state) as services:
            libvirt = TemporaryDaemons(state)
            try:
                marks = {"CELERITY_TEST_LIBVIRT": "1"} if libvirt.start() else {}
                return run_pytest(pytest_command(arguments), {**inherited, **services.environment, **marks})
            finally:
                libvirt.stop()
    except DeployError as error:
        print(f"{error.details}\n{error.message}\n{error.hint}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        sweep()  # what fixtures made in a pytest that was stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
