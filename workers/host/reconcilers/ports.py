"""Ports and DHCP: the rows bound to a host, and the host.

Sets, per host:
  bound    = ports whose rows are bound to this host, and their networks
  plugged  = ports that are recorded on the host
  networks = networks that are recorded on the host
Rules:
  bound - plugged, its server idle              -> plugged (under OVN the hypervisor plugs: only while its guest is on)
  a network of bound without bridge or dnsmasq  -> restored
  a plugged port without its DHCP entry         -> entered again
  plugged - bound, seen twice                   -> unplugged, with its tap and its lease
  recorded for metadata, and not bound after    -> forgotten
  networks - networks of any row                -> removed: bridge, dnsmasq, rules (the network was deleted)
  taps, DHCP entries, directories of no record  -> removed
  what the switch did not understand            -> reported for an hour
After a restart of the machine all of these are missing, and are restored without findings.
"""

import uuid
from collections.abc import Sequence

import structlog
from django.conf import settings

from apps.networking.selectors import bindings
from apps.networking.selectors import networks as network_selectors
from apps.networking.values import PortFacts
from workers.drivers.network.base import NetworkSpec
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import networks

log = structlog.get_logger("celerity.agent")
KIND = "port"
NETWORK = "network"


def reconcile(snapshot: HostSnapshot) -> None:
    recorded = snapshot.drivers.network.recorded_ports()
    bound = bindings.specs_for_host(host=snapshot.drivers.host)
    by_network: dict[uuid.UUID, list[PortFacts]] = {}
    for facts in bound:
        by_network.setdefault(facts.network.id, []).append(facts)
    for ports in by_network.values():
        _mend_network(snapshot, ports)
    for facts in bound:
        if str(facts.id) not in snapshot.plugged and networks.is_expected(snapshot.drivers, snapshot.domains, facts):
            _plug(snapshot, facts)
    _unplug_strangers(snapshot, {str(facts.id) for facts in bound})
    _forget_strangers(snapshot, recorded - {str(facts.id) for facts in bound})
    _remove_networks(snapshot, {str(key) for key in by_network})
    for text in snapshot.drivers.network.complaints():
        snapshot.report.remains(NETWORK, f"{snapshot.drivers.host}: {text}", found=text, done="left out by the switch")
    if not snapshot.restarted:
        for text in snapshot.drivers.network.residue(remove=True):
            snapshot.report.repaired(KIND, text, found=f"{text}: no record names it", done="removed")


def _mend_network(snapshot: HostSnapshot, ports: Sequence[PortFacts]) -> None:
    """Have a network whole: an `ensure` that finds all in place costs little, and brings changes to the host."""
    driver, spec = snapshot.drivers.network, networks.network_spec(ports[0].network)
    broken: tuple[str, ...] = ()
    try:
        plugged = [networks.port_spec(facts) for facts in ports if str(facts.id) in snapshot.plugged]
        if plugged:
            broken = driver.faults(spec, plugged)
        driver.ensure_network(spec)
        for port in plugged if broken else ():
            driver.plug(spec, port)
    except Exception as error:
        log.warning("network not restored", network=spec.id, host=snapshot.drivers.host, error=str(error)[:300])
        snapshot.report.remains(NETWORK, spec.id, found="; ".join((*broken, str(error)[:300])))
        return
    if broken and not snapshot.restarted and _still_bound(snapshot, spec):
        snapshot.report.repaired(NETWORK, spec.id, found="; ".join(broken), done="made whole again")


def _still_bound(snapshot: HostSnapshot, spec: NetworkSpec) -> bool:
    """A network whose last port here went meanwhile was not broken: it was taken down."""
    return bool(bindings.specs_for_network(network_id=uuid.UUID(spec.id), host=snapshot.drivers.host))


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
            snapshot.drivers.network.plug(networks.network_spec(now.network), networks.port_spec(now))
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
        problem = f"plugged as {port.tap} with {', '.join(port.ips)}, and not bound to this host"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(KIND, port_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            continue
        snapshot.drivers.network.unplug(port.network_id, port_id)
        snapshot.report.repaired(KIND, port_id, found=problem, done="unplugged")


def _forget_strangers(snapshot: HostSnapshot, strangers: frozenset[str]) -> None:
    """Forget ports that were recorded before the rows were read, and are in none: their release was cut short.

    A guest on one would get 404 all the same: the API knows the port no more.
    """
    for port_id in sorted(strangers) if settings.REMOVE_STRANGERS else ():
        snapshot.drivers.network.unplug("", port_id)
        snapshot.report.repaired(
            KIND, port_id, found="recorded for metadata, and not bound to this host", done="forgotten"
        )


def _remove_networks(snapshot: HostSnapshot, bound: set[str]) -> None:
    """Take down networks that were deleted. That is how a deleted network leaves its hosts: no finding."""
    candidates = [uuid.UUID(key) for key in snapshot.networks if key not in bound]
    if candidates and settings.REMOVE_STRANGERS:
        for key in sorted(set(candidates) - network_selectors.existing(network_ids=candidates), key=str):
            snapshot.drivers.network.remove_network(str(key))
            log.info("deleted network removed", network=str(key), host=snapshot.drivers.host)
