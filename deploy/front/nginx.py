"""The front's nginx: its directory, its account, its configuration, and what a killed one left behind."""

import hashlib
import os
import resource
import shutil
from pathlib import Path

import psutil

from deploy import processes
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.front import configuration
from deploy.instances.process import give, owner_of, process_in
from deploy.secrets import write_private

CONNECTIONS = 2048  # at once, those to the API included; nginx keeps 0.5 KiB for each


def digest() -> str:
    """Return a digest of what the configuration is made from, so that `make up` restarts a front that it changes."""
    content = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    return content.hexdigest()[:12]


def api_options(environment: Environment) -> list[str]:
    """Return gunicorn's options for how many processes it starts and where they listen: a socket for each."""
    sockets = configuration.api_sockets(environment)
    bound = [option for address in sockets for option in ("--bind", address)]
    return [*bound, "--workers", str(len(sockets)), "--config", "python:deploy.front.api_workers"]


class Front:
    """One cloud's nginx. As root its workers run as www-data, who may read images' contents and nothing else."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.directory = environment.state / "front"
        self.images = environment.state / "images"
        self.user = owner_of("www-data")

    def command(self) -> list[str]:
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if program is None:
            raise DeployError("nginx is not installed.", hint="As root: apt-get install --no-install-recommends nginx")
        return [program, "-p", str(self.directory), "-c", "nginx.conf", "-e", "stderr"]

    def prepare(self) -> None:
        """Make the directories and the configuration; end workers whose master was killed, drop bodies they held."""
        self.bury()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._share(self.directory, 0o750)
        for name in ("body", "answers"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir()
            give(self.directory / name, self.user, 0o700)
        for place in (self.images, self.images / "blobs"):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._share(place, 0o710)  # a content's name opens it; nobody can list them
        write_private(self.directory / "nginx.conf", self.text())

    def text(self) -> str:
        """Return the configuration."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        limit = CONNECTIONS * 2 if hard == resource.RLIM_INFINITY or os.geteuid() == 0 else min(hard, CONNECTIONS * 2)
        return configuration.render(
            self.environment,
            user=self.user,
            files=limit,
            connections=max(min(CONNECTIONS, limit // 2), 64),
        )

    def pid(self) -> int | None:
        """Return the process id of the running master, or None."""
        return process_in(self.directory / "nginx.pid", {"nginx"}, self.directory)

    def left(self) -> list[psutil.Process]:
        """Return every nginx process of this directory, master and workers."""
        here = str(self.directory.resolve())
        processes = []
        for process in psutil.process_iter(["name", "cwd"]):
            if process.info["name"] == "nginx" and process.info["cwd"] == here:
                processes.append(process)
        return processes

    def bury(self) -> None:
        """End the workers that a killed master left: they would go on listening."""
        if (left := self.left()) and self.pid() is None:
            processes.end(left, 5)

    def _share(self, path: Path, mode: int) -> None:
        """Let the workers' account enter a directory that stays ours."""
        path.chmod(mode if self.user is not None else 0o700)
        if self.user is not None:
            shutil.chown(path, group=self.user)
