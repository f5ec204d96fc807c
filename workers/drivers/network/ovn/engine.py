"""The network engine on OVN: one northbound database, and the drivers that write it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workers.drivers.network.base.engine import CloudSpec, NetworkEngine, OnRefused
from workers.drivers.network.base.l2 import PortState
from workers.drivers.network.ovn import floating_ips, groups, l2, routers
from workers.drivers.network.ovn.l3 import OvnL3
from workers.drivers.network.ovn.monitor import Monitor
from workers.drivers.network.ovn.northbound import DATABASE, WRITER, Northbound
from workers.drivers.network.ovn.ovsdb import Ovsdb
from workers.drivers.network.ovn.rows import Row
from workers.drivers.network.ovn.rules import OvnRules
from workers.drivers.network.ovn.wire import Value


class OvnEngine(NetworkEngine):
    """Options: `northbound` (required: `unix:<path>` or `ssl:<host>:<port>`), `resolvers` (addresses that DHCP tells
    where a subnet names none), `timeout_s` (5: how long one call may take), and for `ssl` the files `ca`,
    `certificate` and `private_key`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is opened."""
        self._database = Ovsdb(
            str(options["northbound"]), DATABASE, tls=_tls(options), timeout_s=float(options.get("timeout_s", 5.0))
        )
        self._northbound = Northbound(self._database, frozenset(row.uuid for row in groups.guard_rows()))
        self._l2 = l2.OvnL2(self._northbound, tuple(options.get("resolvers", ())))
        self.l2 = self._l2
        self.l3 = OvnL3(self._northbound)
        self.rules = OvnRules(self._northbound)

    def ping(self) -> None:
        self._database.ping()

    def claim(self, *, steal: bool = False) -> None:
        self._database.claim(WRITER, steal=steal)

    def differences(self, cloud: CloudSpec) -> tuple[str, ...]:
        return self._northbound.differences(self._rows(cloud))

    def reconcile(self, cloud: CloudSpec, on_refused: OnRefused | None = None) -> tuple[str, ...]:
        return self._northbound.reconcile(self._rows(cloud), on_refused)

    def watch(self, on_port: Callable[[PortState], None]) -> Callable[[], None]:
        def report(new: Mapping[str, Value] | None, _old: Mapping[str, Value]) -> None:
            port = l2.state(new) if new is not None else None
            if port is not None:
                on_port(port)

        return Monitor(self._database, l2.PORT, l2.STATE_COLUMNS, report).stop

    def close(self) -> None:
        self._database.close()

    def _rows(self, cloud: CloudSpec) -> list[Row]:
        rows: list[Row] = [row for group in cloud.groups for row in groups.rows(group)]
        for item in cloud.networks:
            rows += self._l2.network_rows(item.network)
            for port in item.ports:
                rows += self._l2.port_rows(item.network, port)
        for router in cloud.routers:
            rows += routers.rows(router)
        for floating_ip in cloud.floating_ips:
            rows += floating_ips.rows(floating_ip)
        return list({(row.table, row.uuid): row for row in rows}.values())  # every guarded port brings the guard


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not str(options["northbound"]).startswith("ssl:"):
        return None
    context = ssl.create_default_context(cafile=Path(options["ca"]))
    context.load_cert_chain(Path(options["certificate"]), Path(options["private_key"]))
    return context
