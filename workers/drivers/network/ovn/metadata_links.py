"""Metadata ports on a host: a pair of devices for each network, one end on the switch, the other with the process.

The process's end is in a separate namespace, where networks with the same ranges stay apart: each has its own
device, and a socket that is bound to it.
"""

from __future__ import annotations

import array
import fcntl
import hashlib
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from workers.drivers.network.errors import NetworkUnavailable
from workers.drivers.network.ovn import localports
from workers.drivers.network.ovn.ovsdb import Operation, Ovsdb
from workers.system import processes
from workers.system.namespaces import Namespace

INTEGRATION_BRIDGE = "br-int"
PORT = 80
BACKLOG = 1024
_TIMEOUT_S = 10
_PREFIX = "clm"
# Nothing passes from one network to another: a new namespace has the machine's own settings, which may forward.
# Answers leave by the device of the question, whatever a router of the network announces.
_SETTINGS = {
    "ipv4/ip_forward": "0",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/default/forwarding": "0",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/default/accept_redirects": "0",
    "ipv6/conf/all/accept_redirects": "0",
    "ipv6/conf/default/accept_redirects": "0",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/arp_ignore": "1",
    "ipv4/conf/all/arp_announce": "2",
    "ipv6/conf/default/accept_ra": "0",
}
_SIOCETHTOOL, _SET_TX_CHECKSUM = 0x8946, 0x17


def device(network_id: str) -> str:
    """The name of both ends of a network's pair: 14 characters, the kernel takes 15."""
    return _PREFIX + hashlib.sha256(network_id.encode()).hexdigest()[:11]


class MetadataLinks:
    """The pairs of one host. One thread uses it."""

    def __init__(self, switch: Ovsdb, namespace: Namespace) -> None:
        """Prepare the namespace. What a former process left on the switch is removed by `remove_strays`."""
        self._switch, self._namespace = switch, namespace
        self._metrics = count(1)
        self._neighbours: dict[str, dict[str, str]] = {}
        namespace.run(_prepare)

    def plug(self, network_id: str, mtu: int, neighbours: Mapping[str, str]) -> tuple[socket.socket, ...]:
        """Make a network's pair, again if it exists, and sockets that listen for its guests alone.

        Guests reach it last, when it knows their MACs: nobody else can have opened a connection from their addresses.
        Raises NetworkUnavailable, EngineUnavailable; nothing of it is left then.
        """
        self.unplug(network_id)
        name = device(network_id)
        try:
            mac, path = localports.mac(network_id), self._namespace.path
            _ip(
                f"link add name {name} mtu {mtu} type veth peer name {name} address {mac} mtu {mtu} netns {path}",
                # The host's end answers nothing: the machine itself must not hear of a tenant's addresses.
                f"link set dev {name} arp off addrgenmode none",
                f"link set dev {name} up",
            )
            metric = next(self._metrics)
            listening = self._namespace.run(lambda: _inside(name, metric))
            self.set_neighbours(network_id, neighbours)
            self._switch.transact(_addition(name, network_id))
        except BaseException:
            self.unplug(network_id)
            raise
        return listening

    def unplug(self, network_id: str) -> None:
        """Remove a network's pair. Absent is success. The caller closes its sockets."""
        self._neighbours.pop(network_id, None)
        self._remove([device(network_id)])

    def set_neighbours(self, network_id: str, wanted: Mapping[str, str]) -> None:
        """Set the MACs of a plugged network's guests by address.

        Answers go to the port that has the address, whatever other guests claim. Port security would also keep guests
        from saying which MAC their link-local address has. Raises NetworkUnavailable.
        """
        name, known = device(network_id), self._neighbours.get(network_id, {})
        gone = [f"neigh delete {address} dev {name}" for address in known.keys() - wanted.keys()]
        new = [
            f"neigh replace {address} lladdr {mac} dev {name} nud permanent"
            for address, mac in wanted.items()
            if known.get(address) != mac
        ]
        self._neighbours[network_id] = {}  # unknown, unless the following succeeds
        if gone or new:
            self._namespace.run(lambda: _ip(*gone, *new))
        self._neighbours[network_id] = dict(wanted)

    def broken(self, network_ids: frozenset[str]) -> frozenset[str]:
        """Those of the plugged networks that lost their place on the switch, or their devices."""
        rows = {str(row["name"]): row for row in self._rows()}
        return frozenset(key for key in network_ids if not _is_whole(rows.get(device(key)), device(key)))

    def remove_strays(self, network_ids: frozenset[str]) -> None:
        """Remove the places on the switch of other networks' pairs: a killed process left them."""
        kept = {device(key) for key in network_ids}
        self._remove([name for row in self._rows() if (name := str(row["name"])) not in kept])

    def _rows(self) -> list[dict[str, Any]]:
        (rows,) = self._switch.select([("Interface", [], ("name", "external_ids", "error"))])
        return [row for row in rows if isinstance(ids := row["external_ids"], Mapping) and localports.MARK in ids]

    def _remove(self, names: list[str]) -> None:
        """Off the switch first: it complains of devices that vanish."""
        answers = self._switch.select([("Port", [["name", "==", name]], ()) for name in names])
        if ports := [["uuid", str(row["_uuid"])] for rows in answers for row in rows]:
            self._switch.transact([_listing("delete", ["set", ports])])
        for name in names:
            with suppress(OSError):
                socket.if_nametoindex(name)
                _delete(name)


def _is_whole(row: Mapping[str, Any] | None, name: str) -> bool:
    if row is None or (isinstance(row["error"], str) and row["error"]):
        return False
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def _prepare() -> None:
    _ip("link set dev lo up")
    for setting, value in _SETTINGS.items():
        Path("/proc/sys/net", setting).write_text(value)


def _inside(name: str, metric: int) -> tuple[socket.socket, ...]:
    """Give the process's end its addresses, and listen there."""
    _ip(
        f"link set dev {name} addrgenmode none",
        f"address add {localports.ADDRESS}/32 dev {name}",
        f"address add {localports.ADDRESS_6}/64 dev {name} nodad",
        f"link set dev {name} up",
        f"route add 0.0.0.0/0 dev {name} metric {metric}",
        f"route add ::/0 dev {name} metric {metric}",
    )
    _send_whole_checksums(name)
    return _listen(socket.AF_INET, name), _listen(socket.AF_INET6, name)


def _listen(family: socket.AddressFamily, name: str) -> socket.socket:
    """A socket that takes connections from this device alone."""
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((localports.ADDRESS_6, PORT, 0, socket.if_nametoindex(name)))
        else:
            listening.bind((localports.ADDRESS, PORT))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _send_whole_checksums(name: str) -> None:
    """Have the kernel complete what it sends: the user-space datapath of several hosts drops what is incomplete."""
    value = array.array("I", (_SET_TX_CHECKSUM, 0))
    request = struct.pack("16sP16x", name.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control.fileno(), _SIOCETHTOOL, request)


def _delete(name: str) -> None:
    try:
        processes.run(["ip", "link", "delete", "dev", name], timeout_s=_TIMEOUT_S)
    except processes.ProcessFailed:  # it went meanwhile
        return
    except processes.ProcessError as error:
        raise NetworkUnavailable("The host does not remove a metadata port.", details=error.details) from error


def _ip(*commands: str) -> None:
    text = "".join(f"{command}\n" for command in commands)
    try:
        processes.run(["ip", "-batch", "-"], input=text.encode(), timeout_s=_TIMEOUT_S)
    except processes.ProcessError as error:
        raise NetworkUnavailable("The host refused a network's metadata port.", details=error.details) from error


def _addition(name: str, network_id: str) -> list[Operation]:
    pairs = [["iface-id", localports.key(network_id)], ["iface-status", "active"], [localports.MARK, network_id]]
    return [
        {
            "op": "insert",
            "table": "Interface",
            "uuid-name": "card",
            "row": {"name": name, "external_ids": ["map", pairs]},
        },
        {
            "op": "insert",
            "table": "Port",
            "uuid-name": "port",
            "row": {"name": name, "interfaces": ["named-uuid", "card"]},
        },
        _listing("insert", ["set", [["named-uuid", "port"]]]),
    ]


def _listing(how: str, ports: list[Any]) -> Operation:
    where = [["name", "==", INTEGRATION_BRIDGE]]
    return {"op": "mutate", "table": "Bridge", "where": where, "mutations": [["ports", how, ports]]}
