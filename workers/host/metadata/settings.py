"""The settings of the metadata process: CELERITY_* of its environment over <state>/celerity.env over defaults."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``api`` is the URL of the cloud's API; times are in seconds.

    ``directory`` holds the files of the host's ports; ``switch`` is the database of its Open vSwitch; ``status`` is the
    socket at which the machine's commands ask what the process does.
    """

    host: str
    secret: str
    api: str
    directory: Path
    switch: str
    status: Path
    cache_seconds: float = 10.0
    api_seconds: float = 10.0
    vendor_url: str = ""
    vendor_seconds: float = 5.0


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings. Raises SystemExit for one that cannot be used."""
    state = Path(environment.get("CELERITY_STATE_DIR", "/var/lib/celerity"))
    values = {**_stored(state / "celerity.env"), **environment}
    host = values.get("CELERITY_HOST") or socket.gethostname().split(".")[0]
    if not values.get("CELERITY_SECRET_KEY"):
        raise SystemExit("CELERITY_SECRET_KEY is not set: the API would answer nothing.")
    return Settings(
        host=host,
        secret=values["CELERITY_SECRET_KEY"],
        api=values.get("CELERITY_METADATA_API") or _api(values),
        directory=state / "hosts" / host / "metadata",
        switch=values.get("CELERITY_SWITCH") or f"unix:{state}/ovn/host/db.sock",
        status=state / "run" / "metadata.sock",
        cache_seconds=_number(values, "CELERITY_METADATA_CACHE", 10.0),
        vendor_url=values.get("CELERITY_VENDOR_DATA_URL", ""),
        vendor_seconds=_number(values, "CELERITY_VENDOR_DATA_TIMEOUT", 5.0),
    )


def _api(values: Mapping[str, str]) -> str:
    """Return the API's URL: on the first machine where its front listens, elsewhere the public one."""
    listen = values.get("CELERITY_LISTEN", "127.0.0.1:8000")
    if values.get("CELERITY_ROLE") == "host":
        return values.get("CELERITY_PUBLIC_URL") or f"http://{listen}"
    address, _, port = listen.rpartition(":")
    anywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what it replaces
    return f"http://{anywhere.get(address, address)}:{port}"


def _number(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        raise SystemExit(f"{name} is {text!r}; it must be a number of seconds.") from None
    if not 0 <= number <= 3600:
        raise SystemExit(f"{name} is {text}; it must be between 0 and 3600 seconds.")
    return number


def _stored(path: Path) -> dict[str, str]:
    """Return the lines KEY=VALUE of a file; a missing one is empty."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}
