"""The engine's whole description, compared with the rows.

Sets:
  wanted  = networks, groups, routers, floating IPs that lead somewhere, and ports that servers hold, as rows say
  written = what the engine's description holds
Rules:
  wanted - written, or written otherwise, seen twice -> written
  written - wanted, seen twice                       -> removed
  what no engine could take, or this one refuses     -> left out, and reported until its rows change
At the worker's start, the same at once and without findings: lines may have been lost while nobody read them.
"""

import threading
from dataclasses import replace

import structlog

from apps.networking.selectors import programmed
from apps.workflow.services import findings
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine
from workers.mapping import engine as mapping
from workers.mapping import qos, refusals
from workers.network.gateways import GatewayHosts
from workers.network.writer import Writer

log = structlog.get_logger("celerity.network")
KIND = "network engine"
AGAIN_SECONDS = 2.0  # a change that was committed a moment ago has its line under way


def wanted(gateways: GatewayHosts | None = None) -> CloudSpec:
    """Read all that should be programmed. ``gateways`` remembers which hosts were lost a moment ago."""
    rows = programmed.everything()
    rows = replace(rows, ports=qos.with_flavors(rows.ports))
    return mapping.cloud(rows, (gateways or GatewayHosts()).names())


def sync(engine: NetworkEngine) -> tuple[str, ...]:
    """Make the description as the rows say, and return what differed. An empty one is built.

    What the engine refuses is left out; the next comparison reports it.
    """
    changes = engine.reconcile(wanted(), refusals.add)
    log.info("network engine synchronised", changes=len(changes))
    return changes


def differences(engine: NetworkEngine) -> list[str]:
    """Describe what differs, and what is left out because no engine could take it. Reads only."""
    with refusals.collecting() as refused:
        changes = engine.differences(wanted())
    return [*changes, *sorted(map(str, refused))]


def move_gateways(writer: Writer) -> None:
    """Write the cloud as its rows say, after a host was lost or came back: routers get other gateway hosts."""
    with writer.lock:
        changes = writer.engine.reconcile(wanted(writer.gateways), refusals.add)
    if changes:
        log.info("gateways moved", hosts=list(writer.gateways.names()), changes=len(changes))


def reconcile(writer: Writer, stop: threading.Event) -> int:
    """Compare, compare again, repair what still differs, report. Returns how much; a healthy cloud has nothing.

    What is refused is a finding that remains until its rows change.
    """
    if not writer.is_idle:
        return 0
    with findings.reporting(kinds=(KIND,)) as report:
        with refusals.collecting() as refused:
            lasting = _repair(writer, stop)
        for refusal in sorted(refused, key=str):
            report.remains(KIND, refusal.subject, found=str(refusal), done="left out; everything else is programmed")
        left_out = {refusal.subject for refusal in refused}
        repaired = [text for text in lasting if text not in left_out]
        for text in repaired:
            report.repaired(KIND, text.split(":", 1)[0], found=text, done="written as the rows say")
    return len(repaired) + len(refused)


def _repair(writer: Writer, stop: threading.Event) -> list[str]:
    with writer.lock:
        first = writer.engine.differences(wanted(writer.gateways))
    if not first or stop.wait(AGAIN_SECONDS):
        return []
    with writer.lock:
        cloud = wanted(writer.gateways)
        lasting = sorted(set(first) & set(writer.engine.differences(cloud)))
        if lasting:
            writer.engine.reconcile(cloud, refusals.add)
    return lasting
