"""The TPM that a server's flavor or image asks for, as in Nova; and the secret that encrypts its state."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from apps.compute import admin_passwords
from apps.compute.exceptions import HardwareInvalid

VERSIONS, MODELS = ("1.2", "2.0"), ("tpm-tis", "tpm-crb")


@dataclass(frozen=True, slots=True)
class Tpm:
    """The version of the standard, and the interface."""

    version: str
    model: str


def of(specs: Mapping[str, str], properties: Mapping[str, str]) -> Tpm | None:
    """Return what extra specs and image properties ask for. Raises HardwareInvalid (400)."""
    version, model = _of(specs, properties, "tpm_version"), _of(specs, properties, "tpm_model") or MODELS[0]
    if not version:
        return None
    for name, value, known in (("version", version, VERSIONS), ("model", model, MODELS)):
        if value not in known:
            raise HardwareInvalid(f"Invalid TPM {name} '{value[:64]}'. Allowed values: {', '.join(known)}.")
    if model == "tpm-crb" and version != "2.0":
        raise HardwareInvalid("TPM model CRB is only valid with TPM version 2.0.")
    return Tpm(version, model)


def of_existing(specs: Mapping[str, str], properties: Mapping[str, str]) -> Tpm | None:
    """Return the same of a server that there is: what is refused today was built without it, before it was known."""
    try:
        return of(specs, properties)
    except HardwareInvalid:
        return None


def new_secret() -> str:
    """Return a new secret, encrypted for the server's row."""
    return admin_passwords.seal(secrets.token_hex(32))


def _of(specs: Mapping[str, str], properties: Mapping[str, str], name: str) -> str:
    flavor, image = str(specs.get(f"hw:{name}") or ""), str(properties.get(f"hw_{name}") or "")
    if flavor and image and flavor != image:
        raise HardwareInvalid(
            f"The flavor has hw:{name} explicitly set to {flavor[:64]}, conflicting with the image, which has "
            f"hw_{name} explicitly set to {image[:64]}."
        )
    return flavor or image
