"""<metadata>: marks a domain as Celerity's, and informs administrators."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, content

NAMESPACE = "urn:celerity:compute:domain:1"
"""A domain with a <server> element of this namespace, and the right `home`, is ours; all others are somebody else's."""

_PREFIXES = {"celerity": NAMESPACE}


@dataclass(frozen=True, slots=True)
class Item(Element):
    """One key and value of the server's own metadata."""

    tag: ClassVar[str] = f"{{{NAMESPACE}}}item"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    key: str = attribute("key")
    value: str = content()


@dataclass(frozen=True, slots=True)
class DisplayName(Element):
    """The tenant's name for the server."""

    tag: ClassVar[str] = f"{{{NAMESPACE}}}name"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    value: str = content()


@dataclass(frozen=True, slots=True)
class Owner(Element):
    """Whose server it is."""

    tag: ClassVar[str] = f"{{{NAMESPACE}}}owner"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    project_id: str = attribute("project")
    user_id: str = attribute("user")


@dataclass(frozen=True, slots=True)
class Flavor(Element):
    """Which flavor it was made from."""

    tag: ClassVar[str] = f"{{{NAMESPACE}}}flavor"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    name: str = attribute("name")


@dataclass(frozen=True, slots=True)
class Port(Element):
    """Which port is behind which interface."""

    tag: ClassVar[str] = f"{{{NAMESPACE}}}port"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    id: str = attribute("id")
    mac: str = attribute("mac")


@dataclass(frozen=True, slots=True)
class Server(Element):
    """Celerity's mark. `home` is the state directory of the host agent whose domain it is: two clouds may share a
    libvirt, and neither sees the other's domains.
    """

    tag: ClassVar[str] = f"{{{NAMESPACE}}}server"
    namespaces: ClassVar[dict[str, str] | None] = _PREFIXES
    id: str = attribute("id")
    home: str = attribute("home")
    name: DisplayName = child()
    owner: Owner = child()
    flavor: Flavor = child()
    ports: tuple[Port, ...] = child(default=())
    items: tuple[Item, ...] = child(default=())


@dataclass(frozen=True, slots=True)
class Metadata(Element):
    """<metadata>."""

    tag: ClassVar[str] = "metadata"
    server: Server = child()
