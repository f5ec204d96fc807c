"""The engine's whole description, compared with the rows.

Sets:
  wanted  = networks, groups, routers, floating IPs that lead somewhere, and ports that servers hold, as rows say
  written = what the engine's description holds
Rules:
  wanted - written, or written otherwise, seen twice -> written
  written - wanted, seen twice                       -> removed
At the worker's start, the same at once and without findings: lines may have been lost while nobody read them.
"""

import threading

import structlog

from apps.networking.selectors import programmed
from apps.scheduling.selectors import hosts
from apps.workflow.services import findings
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine
from workers.mapping import engine as mapping
from workers.network.writer import Writer

log = structlog.get_logger("celerity.network")
KIND = "network engine"
AGAIN_SECONDS = 2.0  # a change that was committed a moment ago has its line under way


def wanted() -> CloudSpec:
    """Read all that should be programmed."""
    return mapping.cloud(programmed.everything(), hosts.names())


def sync(engine: NetworkEngine) -> tuple[str, ...]:
    """Make the description as the rows say, and return what differed. An empty one is built."""
    changes = engine.reconcile(wanted())
    log.info("network engine synchronised", changes=len(changes))
    return changes


def reconcile(writer: Writer, stop: threading.Event) -> int:
    """Compare, compare again, repair what still differs, report. Returns how much; a healthy cloud has nothing."""
    with findings.reporting(kinds=(KIND,)) as report:
        with writer.lock:
            first = writer.engine.differences(wanted()) if writer.is_idle else ()
        if not first or stop.wait(AGAIN_SECONDS):
            return 0
        with writer.lock:
            cloud = wanted()
            lasting = sorted(set(first) & set(writer.engine.differences(cloud)))
            if lasting:
                writer.engine.reconcile(cloud)
        for text in lasting:
            report.repaired(KIND, text.split(":", 1)[0], found=text, done="written as the rows say")
    return len(lasting)
