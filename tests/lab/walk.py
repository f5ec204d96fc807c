"""Walks of the documentation in a lab: each command as it is printed, in a shell of `make env`."""

import os
import re
import subprocess
from pathlib import Path

from deploy import first_address, first_server, shell_environment
from deploy.cloud_api import CloudApi
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, NETWORK, LabCloud

VOLUME = "/volume/v3"
ROOT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"^## A walk through all of it\n([\s\S]*?)(?:^## |\Z)", re.MULTILINE)
BLOCK = re.compile(r"^```\n([\s\S]*?)^```$", re.MULTILINE)
NOT_YET = re.compile(r"(HTTP |Exception: )4(00|09)")  # what was asked for before is still under way
NO_SSH = 255  # the guest boots
SECONDS = 180


def printed(document: str) -> list[str]:
    """Return the lines of the walk in a document of docs/."""
    [section] = SECTION.findall((ROOT / "docs" / document).read_text())
    return [line for block in BLOCK.findall(section) for line in block.replace("\\\n", " ").splitlines()]


class Shell:
    """A shell of `make env` for one cloud of clouds.yaml. Variables and functions are there for the next line."""

    def __init__(self, cloud: LabCloud, directory: Path, name: str) -> None:
        environment = cloud.lab.plan.first.environment()
        self.api = CloudApi(environment.clouds_yaml, name)
        self._directory, self._kept = directory, directory / "shell"
        self._kept.write_text(f'make() {{ command make -C {ROOT} "$@"; }}\n')
        own = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "CELERITY_"))}
        lab = {"CELERITY_LAB_DIR": str(cloud.lab.plan.directory), "OS_CLOUD": name}
        self._environment = {**own, **shell_environment.variables(environment), **lab}

    def type(self, line: str) -> str:
        """Run a line, as soon as it is not too early for it, and return what it prints."""
        refused = ""

        def run() -> tuple[str] | None:
            nonlocal refused
            said, refused = self._run(line)
            return (said,) if not refused else None

        try:
            return str(wait_for(run, what=line, seconds=SECONDS)[0])
        except AssertionError as error:
            raise AssertionError(f"{error}\n{refused}") from error

    def popen(self, line: str) -> "subprocess.Popen[str]":
        """Start a line that does not end; what it prints can be read. What it has started ends with its group."""
        return subprocess.Popen(
            ["bash", "-c", f". {self._kept}\n{line}"], env=self._environment, cwd=self._directory, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def _run(self, line: str) -> tuple[str, str]:
        """Return what a line prints, and why it is too early for it."""
        keep = f"{{ declare -f; declare -p IP ID; }} > {self._kept} 2>/dev/null"
        done = subprocess.run(
            ["bash", "-c", f". {self._kept}\n{line}\ncode=$?\n{keep}\nexit $code"], env=self._environment,
            cwd=self._directory, capture_output=True, text=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode == NO_SSH or (done.returncode and NOT_YET.search(done.stderr)):
            return done.stdout, done.stderr or "no ssh"
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout, ""


class Walker(Shell):
    """celerity-demo, who looks between lines until no volume is being changed."""

    def __init__(self, cloud: LabCloud, directory: Path) -> None:
        super().__init__(cloud, directory, "celerity-demo")
        _, public = first_server.key_pair(cloud.lab.plan.first.environment().state)
        key = {"name": first_server.KEY, "public_key": public}
        self.api.post(f"{COMPUTE}/os-keypairs", {"keypair": key})
        first_address.ensure_group(self.api)

    def type(self, line: str) -> str:
        wait_for(self._is_at_rest, what=f"volumes at rest before: {line}", seconds=SECONDS)
        return super().type(line)

    def _is_at_rest(self) -> bool:
        kinds = ("volumes", "snapshots", "backups")
        rows = [row for kind in kinds for row in self.api.get(f"{VOLUME}/{kind}/detail")[kind]]
        assert not [row for row in rows if "error" in row["status"]], rows
        return all(row["status"] in ("available", "in-use") for row in rows)

    def clear(self) -> None:
        """Delete all that the walk has made."""
        for server in self.api.get(f"{COMPUTE}/servers")["servers"]:
            self.api.delete(f"{COMPUTE}/servers/{server['id']}")
        for address in self.api.get(f"{NETWORK}/floatingips")["floatingips"]:
            self.api.delete(f"{NETWORK}/floatingips/{address['id']}")
        wait_for(lambda: not self.api.get(f"{COMPUTE}/servers")["servers"], what="no servers", seconds=SECONDS)
        for kind in ("backups", "volumes"):
            for row in self.api.get(f"{VOLUME}/{kind}")[kind]:
                self.api.delete(f"{VOLUME}/{kind}/{row['id']}")
        wait_for(lambda: not self.api.get(f"{VOLUME}/volumes")["volumes"], what="no volumes", seconds=SECONDS)
        wait_for(lambda: not self.api.get(f"{VOLUME}/backups")["backups"], what="no backups", seconds=SECONDS)


def walk(cloud: LabCloud, directory: Path) -> None:
    """Type all lines. The file is lost once, and is back, equal, after the reversion and after the restoration."""
    walker = Walker(cloud, directory)
    try:
        said = [(line, walker.type(line)) for line in printed("volumes.md")]
    finally:
        walker.clear()
    sums = [found for line, text in said if "sha256sum" in line for found in re.findall(r"^[0-9a-f]{64}", text, re.M)]
    whole, lost, *again = sums
    assert lost != whole and again == [whole, whole], said
    assert said[-1][1] == "mine\n", said[-1]
