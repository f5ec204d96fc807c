"""The settings of one cloud: CELERITY_* of the process environment over <state>/celerity.env over defaults."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
SYSTEM_STATE = Path("/var/lib/celerity")

DEFAULTS = {
    "CELERITY_LISTEN": "127.0.0.1:8000",
    "CELERITY_ROLE": "all",
    "CELERITY_HYPERVISOR": "libvirt",
    "CELERITY_HOSTS": "1",
    "CELERITY_LIBVIRT_URI": "qemu:///system",
    "CELERITY_LOG_FORMAT": "json",
    "CELERITY_FIRST_SERVER": "true",
    "CELERITY_DATAPATH": "auto",
    "CELERITY_NETDEV_OFFLOADS": "single-host",
    "CELERITY_EXTERNAL_CIDR": "198.19.0.0/24",
    "CELERITY_BRIDGE_MAPPINGS": "public:br-ex",
}
# Never written to the file: the place of the file itself, what belongs to one process or to one `make up`.
NOT_PERSISTED = {"CELERITY_STATE_DIR", "CELERITY_GROUPS", "CELERITY_PROCESS", "CELERITY_RELEASE"}


@dataclass(frozen=True)
class Environment:
    """One cloud's settings and the places of its state."""

    state: Path
    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def file(self) -> Path:
        return self.state / "celerity.env"

    @property
    def run(self) -> Path:
        """Sockets, pid files and generated configuration."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"

    @property
    def simulated(self) -> bool:
        return self["CELERITY_HYPERVISOR"] == "simulated"

    @property
    def is_host(self) -> bool:
        """Whether this machine is a further host: it runs the agent, and what carries its guests' packets."""
        return self.values.get("CELERITY_ROLE") == "host"

    @property
    def has_engine(self) -> bool:
        """Whether a network worker programs the cloud's networks. Those of simulated hosts are rows, unless asked."""
        asked = self.values.get("CELERITY_NETWORK_WORKER", "").lower() in ("1", "true", "yes", "on")
        return asked or not self.simulated

    @property
    def ovn(self) -> bool:
        """Whether OVN carries the networks of real guests. Simulated hosts have no packets to carry."""
        return not self.simulated

    @property
    def hostname(self) -> str:
        return self.values.get("CELERITY_HOST") or socket.gethostname().split(".")[0]

    @property
    def public_url(self) -> str:
        return self.values.get("CELERITY_PUBLIC_URL") or f"http://{self['CELERITY_LISTEN']}"

    @property
    def private_database(self) -> bool:
        """Whether the database is ours to run: the URL says 127.0.0.1. Any other name is somebody else's server.

        A further host runs none: 127.0.0.1 is the end of a tunnel there.
        """
        return not self.is_host and urlsplit(self["CELERITY_DATABASE_URL"]).hostname == "127.0.0.1"

    @property
    def private_broker(self) -> bool:
        """Whether the broker is ours to run; see ``private_database``. RabbitMQ never is."""
        url = urlsplit(self["CELERITY_BROKER_URL"])
        return not self.is_host and url.scheme == "redis" and url.hostname == "127.0.0.1"

    def for_processes(self) -> dict[str, str]:
        """Return a clean process environment that holds every setting of this cloud."""
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR"}}
        kept.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        kept.setdefault("HOME", str(Path("~").expanduser()))
        return {**kept, "CELERITY_STATE_DIR": str(self.state), "PYTHONUNBUFFERED": "1"}


def state_directory() -> Path:
    """Return the requested state directory; by default, and without root, one in the user's home."""
    if wished := os.environ.get("CELERITY_STATE_DIR"):
        return Path(wished).expanduser().absolute()
    if os.geteuid() == 0:
        return SYSTEM_STATE
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "celerity"


def up_command(state: Path) -> str:
    """Return how this state's cloud is started, as one would type it."""
    return "make up" if state == SYSTEM_STATE else f"make up STATE={state}"


def cache_directory() -> Path:
    """Return the place of built guest images: kept between runs of the tests and over `make clean`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "celerity"


def read_file(path: Path) -> dict[str, str]:
    """Parse KEY=VALUE lines; comments and blank lines are skipped. A missing file is an empty one."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def from_process() -> dict[str, str]:
    """Return the settings in this process's environment that may be persisted."""
    return {k: v for k, v in os.environ.items() if k.startswith("CELERITY_") and k not in NOT_PERSISTED and v}


def load() -> Environment:
    """Read the settings as they are; nothing is generated or written."""
    state = state_directory()
    return Environment(state=state, values={**DEFAULTS, **read_file(state / "celerity.env"), **from_process()})
