"""What Tempest is pointed at: a cloud with two small images and a volume type, and a web server with one image more."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.client import Session, sign_in
from deploy.errors import DeployError
from tests.conformance.clouds import Cloud
from tests.conformance.configuration import Target


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


@contextmanager
def prepared(cloud: Cloud, web: Path, web_url: str) -> Iterator[Target]:
    """Make what tempest.conf names by id, for the block. Raises DeployError when the cloud refuses."""
    admin = sign_in(cloud.login)
    image = web / f"image.{cloud.disk_format}"
    image.write_bytes(cloud.image)
    made: list[str] = []
    try:
        shared = {"name": "conformance-multiattach", "extra_specs": {"multiattach": "<is> True"}}
        types = f"{admin.catalog['volumev3']}/types"
        made.append(f"{types}/{_call(admin, 'POST', types, {'volume_type': shared}, 200)['volume_type']['id']}")
        networks = _call(admin, "GET", f"{admin.neutron}/networks?router:external=true", None, 200)["networks"]
        images = [_upload(admin, name, cloud, made) for name in ("conformance", "conformance-alt")]
        yield Target(
            identity_url=cloud.login.auth_url,
            admin_password=cloud.login.password,
            image_id=images[0],
            image_id_alt=images[1],
            network_id=networks[0]["id"],
            image_file=image,
            image_url=f"{web_url}/{image.name}",
        )
    finally:
        with suppress(OSError):  # the cloud ended first
            again = sign_in(cloud.login)  # a token does not last as long as a run may
            for url in reversed(made):
                again.http.call("DELETE", url)


def _upload(admin: Session, name: str, cloud: Cloud, made: list[str]) -> str:
    document = {"name": name, "disk_format": cloud.disk_format, "container_format": "bare", "visibility": "public"}
    document["hw_qemu_guest_agent"] = "true"  # simulated guests have an agent, and so has tiny
    image = str(_call(admin, "POST", f"{admin.glance}/images", document, 201)["id"])
    made.append(f"{admin.glance}/images/{image}")
    headers = {"Content-Type": "application/octet-stream"}
    status = admin.http.call("PUT", f"{admin.glance}/images/{image}/file", cloud.image, headers)[0]
    if status != 204:
        raise DeployError(f"The image's data was refused: {status}.")
    return image


def _call(session: Session, method: str, url: str, body: Any, expected: int) -> Any:
    status, _, document = session.http.call(method, url, body)
    if status != expected:
        raise DeployError(f"{method} {url} was answered {status}: {str(document)[:300]}")
    return document
