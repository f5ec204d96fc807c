"""Run every command that the README and the guides print, on a simulated cloud; exceptions have a reason."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.api.clients.commands import Commands
from tests.cloud import Cloud

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.xdist_group("processes")]
ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
DOCUMENTS = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
COMMAND = re.compile(r"(openstack|nova|celerity|make|curl|eval|echo|grep|git|python|ssh|[A-Z_]+=\S*|[a-z]+=\$\() ?")
BLOCK = re.compile(r"(?:^    .*\n)+|^```(?:console)?\n[\s\S]*?^```$", re.MULTILINE)
PATIENCE_SECONDS = 20.0
UNREAD = {
    "docs/moves.md": "moves guests between three real hosts, in the lab",
    "docs/volumes.md": "its examples stand alone: they give names again (test_parsed_commands reads both)",
}
NOT_YET = re.compile(r"(HTTP |Exception: )4(00|09)")  # what the command before began is still under way
EXCUSED = {
    r"^([A-Z_]+=(\"[^\"]*\"|\S*) +)*make ": "make's targets are run by the tests of deploy",
    r"^eval ": "run by test_the_shell_environment",
    r"^git ": "changes the checkout",
    r"^python -m bench": "measures for minutes",
    r"openstack server ssh": "simulated hosts run no guests",
    r"compute-2": "needs a second machine",
    r"^grep .*req-": "an id of another cloud",
    r"network create --external|198.19.0.0/24 --no-dhcp": "made with the cloud",
}


def commands(document: str) -> list[str]:
    """Return the commands of indented and fenced blocks: continued lines joined, prompts and comments taken off."""
    found = []
    for block in BLOCK.findall((ROOT / document).read_text()):
        inside = block.splitlines()[1:-1] if block.startswith("```") else [line[4:] for line in block.splitlines()]
        text = "\n".join(inside).replace("\\\n", " ")
        lines = [line.removeprefix("$ ") for line in text.splitlines()]
        while lines:
            line = lines.pop(0)
            if COMMAND.match(line):
                while line.count("'") % 2 and lines:  # a document in quotes goes on
                    line += "\n" + lines.pop(0)
                found.append(re.sub(r"\s{2,}# .*$", "", line))
    return found


def excuse(command: str) -> str:
    return next((pattern for pattern in EXCUSED if re.search(pattern, command)), "")


class Reader:
    """Runs the commands of a document in one shell session."""

    def __init__(self, cloud: Cloud, directory: Path) -> None:
        self.directory = directory
        clouds = yaml.safe_load((cloud.state / "clouds.yaml").read_text())["clouds"]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OS_", "CELERITY_"))},
            **cloud.environment,
            "PATH": f"{ROOT / 'deploy'}:{PROGRAMS}:/usr/bin:/bin",
            "HOME": str(directory),
            "OS_CLIENT_CONFIG_FILE": str(cloud.state / "clouds.yaml"),
            "OS_CLOUD": "celerity-demo",
            "OLD": clouds["celerity-demo"]["auth"]["password"],
            "NEW": clouds["celerity-admin"]["auth"]["password"],
        }
        self.person = Commands(auth={}, directory=directory)

    def type(self, command: str) -> str:
        """Run a command and return what it prints. Raises AssertionError when it fails."""
        command, asked = re.subn(r"\$\((openstack [^()|]*)\)", lambda inner: self.type(inner[1]).strip(), command)
        if asked and (found := re.fullmatch(r"([A-Za-z_]+)=([\w-]+)", command)):
            self.environment[found[1]] = found[2]
            return found[2]
        if found := re.fullmatch(r"([A-Za-z_]+)=(\$\(.*\))", command):
            self.environment[found[1]] = self._shell(f'printf %s "{found[2]}"')
            return self.environment[found[1]]
        if command.startswith("openstack ") and "$(" not in command:  # in this process: a second less
            self.person.environment = self.environment
            line = re.sub(r"\$(\w+)", lambda name: shlex.quote(self.environment[name[1]]), command.replace('"', ""))
            return self._patiently(line.removeprefix("openstack "))
        return self._shell(command)

    def _patiently(self, line: str) -> str:
        """Run a command as somebody who reads on meanwhile: again, while a resource is not ready for it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.person(line)
            except AssertionError as error:
                if not NOT_YET.search(str(error)) or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def _shell(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command], env=self.environment, cwd=self.directory,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def prepare(cloud: Cloud, reader: Reader) -> None:
    """Make what documents presuppose: the key of `make up`, and IDs that readers exchange."""
    (reader.directory / ".ssh").mkdir()
    key = reader.directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    reader.type(f"openstack keypair create --public-key {key}.pub celerity-demo")
    ids = dict(cloud.rows("SELECT name, id FROM identity_user WHERE name IN ('demo', 'admin')"))
    project = cloud.rows("SELECT id FROM identity_project WHERE name = 'demo'")[0][0]
    reader.environment |= {"MY_ID": ids["demo"], "OTHER_ID": ids["admin"], "PROJECT_ID": project}


@pytest.mark.heavy
def test_commands(cloud: Cloud, tmp_path: Path) -> None:
    reader = Reader(cloud, tmp_path)
    prepare(cloud, reader)
    used, said = set(), {}
    for document in (item for item in DOCUMENTS if item not in UNREAD):
        for command in commands(document):
            if pattern := excuse(command):
                used.add(pattern)
                continue
            said[command] = reader.type(command)
            if "user password set" in command:  # and back: clouds.yaml has the old one
                reader.type('openstack --os-cloud celerity-admin user set --password "$OLD" demo')
    assert len(said) >= 25
    assert not set(EXCUSED) - used, "an excuse without a command"
    dry_run = next(text for command, text in said.items() if command.startswith("curl "))
    assert json.loads(dry_run)["dry_run"]["fits"] is True
    assert "NoValidHost" in said["celerity why big"] or "Waiting" in said["celerity why big"]
    assert (
        "active" in said["openstack console log show vm2"].lower() or "login:" in said["openstack console log show vm2"]
    )


def test_the_shell_environment(cloud: Cloud, tmp_path: Path) -> None:
    """`eval "$(make env)"`: our commands are found, and talk to this cloud as the demo project."""
    environment = {"CELERITY_STATE_DIR": str(cloud.state), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    script = (
        f'cd {ROOT}; eval "$({sys.executable} -m deploy.shell_environment)"; '
        'echo "$CELERITY_STATE_DIR $OS_CLIENT_CONFIG_FILE $OS_CLOUD"; command -v openstack'
    )
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    first, program = done.stdout.splitlines()
    assert first == f"{cloud.state} {cloud.state}/clouds.yaml celerity-demo"
    assert program == str(PROGRAMS / "openstack")


def test_no_cloud_is_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "CELERITY_STATE_DIR": str(tmp_path / "nowhere")}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.shell_environment"], env=environment, cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no cloud in" in done.stderr and "make up STATE=" in done.stderr
