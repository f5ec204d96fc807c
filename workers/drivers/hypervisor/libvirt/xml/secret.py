"""<secret>: libvirt's name for a key, without the key."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, leaf


@dataclass(frozen=True, slots=True)
class Usage(Element):
    """<usage>: for what; the name is unique on the host."""

    tag: ClassVar[str] = "usage"
    name: str = leaf("name")
    type: Literal["ceph"] = attribute("type", default="ceph")


@dataclass(frozen=True, slots=True)
class TpmUsage(Element):
    """<usage>: for the state of a TPM."""

    tag: ClassVar[str] = "usage"
    name: str = leaf("name")
    type: Literal["vtpm"] = attribute("type", default="vtpm")


@dataclass(frozen=True, slots=True)
class VolumeUsage(Element):
    """<usage>: for which volume; the text is unique on the host."""

    tag: ClassVar[str] = "usage"
    volume: str = leaf("volume")
    type: Literal["volume"] = attribute("type", default="volume")


@dataclass(frozen=True, slots=True)
class PassphraseSecret(Element):
    """<secret>: a volume's passphrase, in libvirt's memory alone, and told to nobody."""

    tag: ClassVar[str] = "secret"
    uuid: str = leaf("uuid")
    usage: VolumeUsage = child()
    ephemeral: bool = attribute("ephemeral", default=True)
    private: bool = attribute("private", default=True)


@dataclass(frozen=True, slots=True)
class Secret(Element):
    """<secret>: kept over restarts unless it is ephemeral, and told to nobody."""

    tag: ClassVar[str] = "secret"
    uuid: str = leaf("uuid")
    usage: Usage | TpmUsage = child()
    ephemeral: bool = attribute("ephemeral", default=False)
    private: bool = attribute("private", default=True)
