"""Ports: the rows bound to a host, and the host.

Sets, per host:
  bound   = ports whose rows are bound to this host
  plugged = ports that are on the host's switch
Rules:
  bound - plugged, its server idle       -> plugged (where the hypervisor plugs: only while its guest is on)
  bound and plugged, and carries nothing -> plugged again
  plugged - bound, seen twice            -> unplugged
  recorded for metadata, and not bound   -> forgotten
  cards whose tap is gone                -> removed
  what the switch did not understand     -> reported for an hour
After a restart of the machine ports are missing, and are restored without findings.
"""

import uuid
from collections.abc import Sequence

import structlog
from django.conf import settings

from apps.networking.selectors import bindings
from apps.networking.values import PortFacts
from workers.config import HostDrivers
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import networks

log = structlog.get_logger("celerity.agent")
KIND = "port"
NETWORK = "network"


def reconcile(snapshot: HostSnapshot) -> None:
    recorded = snapshot.drivers.network.recorded_ports()
    bound = bindings.specs_for_host(host=snapshot.drivers.host)
    _mend(snapshot, bound)
    for facts in bound:
        if str(facts.id) not in snapshot.plugged and networks.is_expected(snapshot.drivers, snapshot.domains, facts):
            _plug(snapshot, facts)
    _unplug_strangers(snapshot, {str(facts.id) for facts in bound})
    _forget_strangers(snapshot, recorded - {str(facts.id) for facts in bound})
    for text in snapshot.drivers.network.complaints():
        snapshot.report.remains(NETWORK, f"{snapshot.drivers.host}: {text}", found=text, done="left out by the switch")
    if not snapshot.restarted:
        for text in snapshot.drivers.network.residue(remove=True):
            snapshot.report.repaired(KIND, text, found=f"{text}: no record names it", done="removed")


def _mend(snapshot: HostSnapshot, bound: Sequence[PortFacts]) -> None:
    """Plug ports again that are plugged and carry nothing."""
    driver = snapshot.drivers.network
    plugged = {str(facts.id): facts for facts in bound if str(facts.id) in snapshot.plugged}
    faults = driver.faults([networks.port_spec(facts) for facts in plugged.values()]) if plugged else {}
    driver.admit_routers([networks.port_spec(facts) for key, facts in plugged.items() if key not in faults])
    for port_id in faults:
        facts = plugged[port_id]
        with idle(snapshot.drivers, uuid.UUID(facts.server_id)) as is_idle:
            if is_idle:
                _plug_again(snapshot, facts)


def _plug_again(snapshot: HostSnapshot, facts: PortFacts) -> None:
    """Under the server's locks, and only what still is as it was: a spawn or a delete may have been under way."""
    driver, port = snapshot.drivers.network, networks.port_spec(facts)
    fault = driver.faults([port]).get(port.id)
    if fault is None or facts.id not in {now.id for now in bindings.specs_for_host(host=snapshot.drivers.host)}:
        return
    try:
        driver.plug(port)
    except Exception as error:
        log.warning("port not restored", port=port.id, host=snapshot.drivers.host, error=str(error)[:300])
        snapshot.report.remains(KIND, port.id, found=f"{fault}; {str(error)[:300]}")
        return
    if not snapshot.restarted:
        snapshot.report.repaired(KIND, port.id, found=fault, done="plugged again")


def refresh(port_id: uuid.UUID, drivers: HostDrivers) -> None:
    """Record the addresses of a port as rows have them now, if this host has recorded it. Raises what a driver raises.

    While a run works on its server, that run or the next pass does.
    """
    if str(port_id) not in drivers.network.recorded_ports():
        return
    bound = next((port for port in bindings.specs_for_host(host=drivers.host) if port.id == port_id), None)
    if bound is None:
        return
    with idle(drivers, uuid.UUID(bound.server_id)) as is_idle:
        now = bindings.specs_for_server(server_id=uuid.UUID(bound.server_id)) if is_idle else ()
        for port in now:
            if (port.id, port.host) == (port_id, drivers.host):
                drivers.network.plug(networks.port_spec(port))


def _plug(snapshot: HostSnapshot, facts: PortFacts) -> None:
    """Under the server's locks, and only if the port is still bound: a delete may be under way."""
    server_id = uuid.UUID(facts.server_id)
    with idle(snapshot.drivers, server_id) as is_idle:
        if not is_idle:
            return
        now = next((port for port in bindings.specs_for_server(server_id=server_id) if port.id == facts.id), None)
        if now is None or now.host != snapshot.drivers.host or _is_plugged(snapshot, str(now.id)):
            return
        problem = f"bound to the host by its row, and not plugged; server {server_id}"
        try:
            snapshot.drivers.network.plug(networks.port_spec(now))
        except Exception as error:
            log.warning("port not restored", port=str(facts.id), host=snapshot.drivers.host, error=str(error)[:300])
            snapshot.report.remains(KIND, now.id, found=f"{problem}; {str(error)[:300]}")
            return
    if not snapshot.restarted:
        snapshot.report.repaired(KIND, facts.id, found=problem, done="plugged")


def _is_plugged(snapshot: HostSnapshot, port_id: str) -> bool:
    return any(port.id == port_id for port in snapshot.drivers.network.list_ports())


def _unplug_strangers(snapshot: HostSnapshot, bound: set[str]) -> None:
    """Unplug ports that no row binds. A delete unplugs first and takes the rows away then: it must still be plugged
    now, and still be in no row after that.
    """
    strangers = set(snapshot.plugged) - bound
    if not strangers:
        return
    still = {port.id: port for port in snapshot.drivers.network.list_ports() if port.id in strangers}
    again = {str(facts.id) for facts in bindings.specs_for_host(host=snapshot.drivers.host)} if still else set()
    for port_id, port in still.items():
        if port_id in again:
            continue
        problem = f"plugged as {port.tap}, and not bound to this host"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(KIND, port_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            continue
        snapshot.drivers.network.unplug(port_id)
        snapshot.report.repaired(KIND, port_id, found=problem, done="unplugged")


def _forget_strangers(snapshot: HostSnapshot, strangers: frozenset[str]) -> None:
    """Forget ports that were recorded before the rows were read, and are in none: their release was cut short.

    A guest on one would get 404 all the same: the API knows the port no more.
    """
    for port_id in sorted(strangers) if settings.REMOVE_STRANGERS else ():
        snapshot.drivers.network.unplug(port_id)
        snapshot.report.repaired(
            KIND, port_id, found="recorded for metadata, and not bound to this host", done="forgotten"
        )
