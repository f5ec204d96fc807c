"""Boots the first server as celerity-demo, over HTTP as any client, and shows its build step by step."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy import first_address
from deploy.build_display import BuildDisplay, Step, steps_of
from deploy.cloud_api import CloudApi
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.secrets import write_private

NAME, IMAGE, FLAVOR, KEY = "first", "tiny", "m1.tiny", "celerity-demo"
BUILD_SECONDS = 300
DELETE_SECONDS = 60
PROMPT_SECONDS = 45


@dataclass(frozen=True)
class FirstServer:
    """What `make up` prints about the server: its address, the path of its key, the end of its console.

    ``floating_ip`` is empty where there is none; ``reachable`` says whether ssh answers there.
    """

    status: str
    address: str
    key: Path
    console: str
    floating_ip: str = ""
    reachable: bool = False


def key_pair(state: Path) -> tuple[Path, str]:
    """Return the private key's path and the public key, making the pair (Ed25519, mode 0600) when there is none."""
    private = state / "ssh" / KEY
    private.parent.mkdir(mode=0o700, exist_ok=True)
    if private.exists():
        loaded = serialization.load_ssh_private_key(private.read_bytes(), password=None)
        assert isinstance(loaded, Ed25519PrivateKey)
        key = loaded
    else:
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        write_private(private, text.decode())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    private.with_suffix(".pub").write_text(f"{public.decode()} {KEY}\n")
    return private, f"{public.decode()} {KEY}"


def _register_key(api: CloudApi, public: str) -> None:
    names = {item["keypair"]["name"] for item in api.get("/compute/v2.1/os-keypairs")["keypairs"]}
    if KEY not in names:
        api.post("/compute/v2.1/os-keypairs", {"keypair": {"name": KEY, "public_key": public}})


def _find(api: CloudApi) -> dict[str, Any] | None:
    servers = api.get("/compute/v2.1/servers/detail", name=f"^{NAME}$")["servers"]
    return servers[0] if servers else None


def _create(api: CloudApi, group: str) -> str:
    images = api.get("/image/v2/images", name=IMAGE)["images"]
    flavors = [f for f in api.get("/compute/v2.1/flavors")["flavors"] if f["name"] == FLAVOR]
    if not images or not flavors:
        raise DeployError(f"The image {IMAGE} or the flavor {FLAVOR} is missing.", hint="Run make up again.")
    document = {
        "server": {
            "name": NAME,
            "imageRef": images[0]["id"],
            "flavorRef": flavors[0]["id"],
            "key_name": KEY,
            "networks": "auto",
            "security_groups": [{"name": group}],
        }
    }
    identity: str = api.post("/compute/v2.1/servers", document, microversion="2.37").json()["server"]["id"]
    return identity


def _delete(api: CloudApi, server: str) -> None:
    """Delete a server and wait until it is gone."""
    api.delete(f"/compute/v2.1/servers/{server}")
    deadline = time.monotonic() + DELETE_SECONDS
    while _find(api) is not None:
        if time.monotonic() > deadline:
            raise DeployError(f"The server {NAME}, in ERROR since an earlier run, is not deleted.", hint="make logs")
        time.sleep(0.2)


def _steps(api: CloudApi, server: str) -> list[Step]:
    """Return the steps of the server's build so far."""
    path = f"/compute/v2.1/servers/{server}/os-instance-actions"
    for action in api.get(path)["instanceActions"]:
        if action["action"] == "create":
            # An ordinary user is shown the steps from microversion 2.51 on.
            answer = api.get(f"{path}/{action['request_id']}", microversion="2.51")
            return steps_of(answer["instanceAction"])
    return []


def _watch(api: CloudApi, server: str) -> dict[str, Any]:
    """Show the build until the server is no longer in BUILD; return it."""
    deadline = time.monotonic() + BUILD_SECONDS
    with BuildDisplay() as display:
        while True:
            document: dict[str, Any] = api.get(f"/compute/v2.1/servers/{server}")["server"]
            display.show(_steps(api, server))
            if document["status"] != "BUILD":
                return document
            if time.monotonic() > deadline:
                raise DeployError(f"The server {NAME} is still being built after {BUILD_SECONDS} s.", hint="make logs")
            time.sleep(0.2)


def _console(api: CloudApi, server: str, *, wait: float) -> str:
    """Return the console's last lines, waiting up to ``wait`` seconds for the login prompt."""
    deadline = time.monotonic() + wait
    while True:
        answer = api.post(f"/compute/v2.1/servers/{server}/action", {"os-getConsoleOutput": {"length": 12}})
        output: str = answer.json()["output"] or ""
        if "login:" in output or time.monotonic() > deadline:
            return output
        time.sleep(0.5)


def _address(server: dict[str, Any]) -> str:
    addresses = [item["addr"] for listed in server["addresses"].values() for item in listed]
    return addresses[0] if addresses else ""


def boot(environment: Environment) -> FirstServer:
    """Boot the first server, or show it when there is one. One that an earlier run left in ERROR is replaced."""
    api = CloudApi(environment.clouds_yaml, "celerity-demo")
    key, public = key_pair(environment.state)
    _register_key(api, public)
    group = first_address.ensure_group(api)
    server = _find(api)
    is_new = server is None
    if server is not None and server["status"] == "ERROR":
        _delete(api, server["id"])
        server = None
    if server is None or server["status"] == "BUILD":
        server = _watch(api, server["id"] if server else _create(api, group))
    if server["status"] == "ERROR":
        fault = server.get("fault", {}).get("message", "no reason was recorded")
        raise DeployError(
            f"The server {NAME} is in ERROR: {fault}",
            hint="Check make doctor and make logs; make up tries again.",
        )
    output = outside = ""
    if server["status"] == "ACTIVE":
        outside = first_address.floating_ip(api, server["id"])
        output = _console(api, server["id"], wait=0 if environment.simulated else PROMPT_SECONDS)
    reachable = bool(outside) and not environment.simulated and first_address.answers(outside, is_new=is_new)
    return FirstServer(server["status"], _address(server), key, output, floating_ip=outside, reachable=reachable)
