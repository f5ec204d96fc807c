"""The private cloud that Tempest is pointed at: simulated hosts, two small images, a web server with one more."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.client import Session
from bench.private_cloud import PrivateCloud
from deploy.errors import DeployError
from tests.conformance.configuration import Target

HOSTS = 3
IMAGE_BYTES = 1 << 20
# Its network `public` has an address for each of Tempest's routers and floating IPs.
SETTINGS = {
    "CELERITY_LOG_LEVEL": "INFO",
    "CELERITY_EXTERNAL_CIDR": "198.18.0.0/20",
    "CELERITY_VOLUME_BACKENDS": "local,second=local:/srv/second",
}


@contextmanager
def cloud() -> Iterator[PrivateCloud]:
    """Start a cloud of simulated hosts for the block; nothing of it is left afterwards."""
    with PrivateCloud(hosts=HOSTS, durable=False, **SETTINGS) as private:
        yield private


@contextmanager
def serve(directory: Path) -> Iterator[str]:
    """Serve a directory on loopback for the block; yield its URL."""
    handler = functools.partial(_SilentHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests out of the run's output."""


def prepare(private: PrivateCloud, web: Path, web_url: str) -> Target:
    """Upload what tempest.conf names by id. Raises DeployError when the cloud refuses."""
    admin = private.session("admin")
    image = web / "image.raw"
    image.write_bytes(bytes(IMAGE_BYTES))
    shared = {"name": "conformance-multiattach", "extra_specs": {"multiattach": "<is> True"}}
    _call(admin, "POST", f"{admin.catalog['volumev3']}/types", {"volume_type": shared}, 200)
    (network,) = _call(admin, "GET", f"{admin.neutron}/networks?router:external=true", None, 200)["networks"]
    return Target(
        identity_url=private.login("admin").auth_url,
        admin_password=private.login("admin").password,
        image_id=_upload(admin, "conformance", image.read_bytes()),
        image_id_alt=_upload(admin, "conformance-alt", image.read_bytes()),
        network_id=network["id"],
        image_file=image,
        image_url=f"{web_url}/{image.name}",
    )


def _upload(admin: Session, name: str, content: bytes) -> str:
    document = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    document["hw_qemu_guest_agent"] = "true"  # simulated guests have an agent
    image = str(_call(admin, "POST", f"{admin.glance}/images", document, 201)["id"])
    url, headers = f"{admin.glance}/images/{image}/file", {"Content-Type": "application/octet-stream"}
    status = admin.http.call("PUT", url, content, headers)[0]
    if status != 204:
        raise DeployError(f"The image's data was refused: {status}.")
    return image


def _call(session: Session, method: str, url: str, body: Any, expected: int) -> Any:
    status, _, document = session.http.call(method, url, body)
    if status != expected:
        raise DeployError(f"{method} {url} was answered {status}: {str(document)[:300]}")
    return document
