"""The clouds that Tempest runs against: a private one of simulated hosts, or the lab's, where all is real."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client import Login
from bench.private_cloud import PrivateCloud
from deploy import first_image
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.lab import plan as plans
from tests.conformance.configuration import Options

HOSTS = 3
IMAGE_BYTES = 1 << 20
# Its network `public` has an address for each of Tempest's routers and floating IPs.
SETTINGS = {
    "CELERITY_LOG_LEVEL": "INFO",
    "CELERITY_EXTERNAL_CIDR": "198.18.0.0/20",
    "CELERITY_VOLUME_BACKENDS": "local,second=local:/srv/second",
}


@dataclass(frozen=True)
class Cloud:
    """A cloud: its administrator, an image for its guests with its format, where its processes write their logs, and
    what tempest.conf has to say otherwise of it.
    """

    login: Login
    image: bytes
    disk_format: str
    log: Path
    options: Options


@contextmanager
def simulated() -> Iterator[Cloud]:
    """Start a cloud of simulated hosts for the block; nothing of it is left afterwards."""
    with PrivateCloud(hosts=HOSTS, durable=False, **SETTINGS) as private:
        yield Cloud(private.login("admin"), bytes(IMAGE_BYTES), "raw", private.environment.log, {})


@contextmanager
def lab() -> Iterator[Cloud]:
    """Use the cloud of the lab that `make lab` has built. Raises DeployError if there is none."""
    plan = plans.present(plans.directory())
    if plan is None:
        raise DeployError(f"There is no lab in {plans.directory()}.", hint="make lab HOSTS=3")
    environment = plan.first.environment()
    options = {
        ("compute", "min_compute_nodes"): str(plan.count),
        # Guests run: Tempest logs in to them by their floating IPs.
        ("validation", "run_validation"): "true",
        ("validation", "image_ssh_user"): "root",
        ("validation", "image_alt_ssh_user"): "root",
        ("network-feature-enabled", "api_extensions"): "all",  # trunks too: OVN says when subports are active
    }
    yield Cloud(_admin(environment), first_image.ensure().read_bytes(), "qcow2", environment.log, options)


def _admin(environment: Environment) -> Login:
    return Login(f"{environment.public_url}/identity", "admin", environment["CELERITY_ADMIN_PASSWORD"], "admin")


CLOUDS = {"simulated": simulated, "lab": lab}
