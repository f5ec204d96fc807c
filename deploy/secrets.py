"""Generates a cloud's passwords and keys once, keeps them in <state>/celerity.env (0600), and remembers settings."""

import os
import secrets
from pathlib import Path

from deploy.environment import DEFAULTS, Environment, from_process, read_file
from deploy.errors import DeployError
from deploy.ovn import former

# What a further host has from the first machine.
SHARED = ("CELERITY_SECRET_KEY", "CELERITY_DATABASE_URL", "CELERITY_BROKER_URL", "CELERITY_PUBLIC_URL", "CELERITY_HOST")
DATABASE_PORT = 15432
BROKER_PORT = 16379
HEADER = """\
# Celerity's settings, written by `make up`. A CELERITY_* variable of the environment wins over its line here.
# CELERITY_DATABASE_URL and CELERITY_BROKER_URL with the host 127.0.0.1 are private instances that `make up` runs;
# with any other host name (localhost too) they are servers of yours.
"""


def generate() -> dict[str, str]:
    """Return fresh secrets, and the URLs that carry them. Only characters that no shell, URL or INI file minds."""
    return {
        "CELERITY_SECRET_KEY": secrets.token_urlsafe(48),
        "CELERITY_DATABASE_URL": f"postgresql://celerity:{secrets.token_hex(24)}@127.0.0.1:{DATABASE_PORT}/celerity",
        "CELERITY_BROKER_URL": f"redis://:{secrets.token_hex(24)}@127.0.0.1:{BROKER_PORT}/0",
        "CELERITY_FLOWER_PASSWORD": secrets.token_hex(12),
        "CELERITY_ADMIN_PASSWORD": secrets.token_hex(12),
        "CELERITY_DEMO_PASSWORD": secrets.token_hex(12),
    }


def require_shared(values: dict[str, str], file: Path) -> None:
    """Raise DeployError where a further host lacks what it shares with the first machine; nothing is made up for it."""
    if missing := [name for name in SHARED if not values.get(name)]:
        raise DeployError(
            f"A further host needs {', '.join(missing)}, as on the first machine.",
            hint=f"Write them to {file}, mode 0600: docs/operators.md, Add a host.",
        )


def write_private(path: Path, text: str) -> None:
    """Replace a file by one with mode 0600, all or nothing: a reader or a power cut never sees half of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    partial.rename(path)


def ensure(state: Path) -> Environment:
    """Return the cloud's settings, generating what is missing; what was generated once is never changed.

    Settings given in the environment are remembered in the file, so that a later command, or a `make up` without
    them, means the same cloud.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o755)
    path = state / "celerity.env"
    stored = read_file(path)
    given = {**DEFAULTS, **stored, **from_process()}
    if given["CELERITY_ROLE"] == "host":
        require_shared(given, path)
    values = {**({} if given["CELERITY_ROLE"] == "host" else generate()), **stored, **from_process()}
    values.setdefault("CELERITY_HYPERVISOR", DEFAULTS["CELERITY_HYPERVISOR"])
    if values["CELERITY_HYPERVISOR"] != "simulated":
        values |= former.MARK
    moved = stored.get("CELERITY_LISTEN") != values.get("CELERITY_LISTEN")
    if moved and "CELERITY_PUBLIC_URL" not in from_process() and given["CELERITY_ROLE"] != "host":
        values["CELERITY_PUBLIC_URL"] = f"http://{values['CELERITY_LISTEN']}"
    if values != stored or path.stat().st_mode & 0o777 != 0o600:
        write_private(path, HEADER + "".join(f"{key}={values[key]}\n" for key in sorted(values)))
    return Environment(state=state, values={**DEFAULTS, **values})
