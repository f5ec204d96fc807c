"""Attachments in a lab: a running `tiny` gets a volume of the same host, and one of another host, over mutual TLS."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from bench import moves
from bench.client import now, summary
from deploy.cloud_api import CloudApi
from deploy.errors import DeployError
from deploy.lab.lab import Lab

VOLUME = "/volume/v3"
POLL_SECONDS = 0.01


def attachments(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Attach and detach both volumes in turns, from the request until the volume is in-use, and available again."""
    taken: dict[str, list[float]] = {}
    with moves._lab() as lab:
        api = CloudApi(lab.plan.first.environment().clouds_yaml, "celerity-admin")
        server = moves._tiny(api)
        home = str(moves._shown(api, server)["OS-EXT-SRV-ATTR:host"])
        away = next(host.name for host in lab.plan.hosts if host.name != home)
        volumes = {"its own host": _volume(api, lab, home), "another host": _volume(api, lab, away)}
        for _ in range(options.count):
            for place, volume in volumes.items():
                for name, seconds in _turn(api, server, volume).items():
                    taken.setdefault(f"{name}, volume of {place}", []).append(seconds)
    return {name: summary(values, 50, 95) for name, values in taken.items()}


def _volume(api: CloudApi, lab: Lab, host: str) -> str:
    """Make a volume on a host: the other one gets none meanwhile."""
    others = [{"host": f"{item.name}@local", "binary": "cinder-volume"} for item in lab.plan.hosts if item.name != host]
    for other in others:
        api.put(f"{VOLUME}/os-services/disable", other)
    volume = str(api.post(f"{VOLUME}/volumes", {"volume": {"size": 1}}).json()["volume"]["id"])
    _until(api, volume, "available")
    for other in others:
        api.put(f"{VOLUME}/os-services/enable", other)
    return volume


def _turn(api: CloudApi, server: str, volume: str) -> dict[str, float]:
    path = f"{moves.COMPUTE}/servers/{server}/os-volume_attachments"
    began = _accepted(lambda: api.post(path, {"volumeAttachment": {"volumeId": volume}}))
    _until(api, volume, "in-use")
    attached = now() - began
    began = _accepted(lambda: api.delete(f"{path}/{volume}"))
    _until(api, volume, "available")
    return {"attach": attached, "detach": now() - began}


def _accepted(ask: Callable[[], Any]) -> float:
    """Ask until it is accepted, as the run before may have its last step yet; return when that request began."""
    deadline = now() + moves.DEADLINE_SECONDS
    while True:
        began = now()
        try:
            ask()
        except DeployError as error:
            if " 409" not in error.message or now() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return began


def _until(api: CloudApi, volume: str, wanted: str) -> None:
    def has_it() -> bool:
        status = api.get(f"{VOLUME}/volumes/{volume}")["volume"]["status"]
        if "error" in status:
            raise DeployError(f"The volume {volume} is {status}.")
        return bool(status == wanted)

    moves._wait(has_it, f"a volume that is {wanted}", step=POLL_SECONDS)
