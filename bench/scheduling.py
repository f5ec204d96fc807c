"""How long choosing and claiming takes among many hosts: ``python -m bench.scheduling --hosts 10000``.

A private PostgreSQL (writing safely, as in production), hosts as rows, and client processes that do what the scheduler
does: choose a host and claim it, ``--rate`` times a second in all (0: as fast as they can). The cloud stays as full as
it was: for each server that comes one goes, outside of what is measured. At the end every host's books are compared
with its allocations and its capacity. Exit code 1: a refusal while there was room, or books that do not agree.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deploy import testrun
from deploy.environment import REPOSITORY
from deploy.instances.postgresql import PostgreSQL

ZONES, RACKS, GPU_SHARE, SSD_SHARE = 10, 100, 50, 10  # one host of GPU_SHARE has the trait, of SSD_SHARE is an SSD's
VCPUS, RAM_MIB, DISK_GIB = 64, 262_144, 4096
SIZES = [(1, 512, 5), (1, 2048, 20), (2, 4096, 40), (4, 8192, 80), (8, 16384, 160)]
# kind -> its share, what is asked for beside the amounts
KINDS: dict[str, tuple[float, dict[str, Any]]] = {
    "plain": (0.80, {}),
    "zone": (0.08, {"zone": "zone-3"}),
    "trait": (0.06, {"extra_specs": {"trait:CUSTOM_GPU": "required"}}),
    "aggregate": (0.06, {"extra_specs": {"aggregate_instance_extra_specs:ssd": "<in> true"}}),
}

_HOSTS = """
INSERT INTO scheduling_host (id, number, name, zone, enabled, disabled_reason, forced_down, heartbeat_at, registered_at,
       address, agent_url, hypervisor_type, hypervisor_version, virt_type, arch, cpu_info, traits, custom_traits,
       failed_builds, running_servers, uptime)
SELECT gen_random_uuid(), n, 'host-' || n, 'zone-' || n %% %(zones)s, true, '', false, now() + interval '1 day', now(),
       '127.0.0.1', '', 'QEMU', 7002000, 'kvm', 'x86_64', '{}', %(traits)s,
       CASE WHEN n %% %(gpu)s = 0 THEN ARRAY['CUSTOM_GPU'] ELSE ARRAY[]::text[] END, 0, 0, ''
  FROM generate_series(1, %(hosts)s) n;
INSERT INTO scheduling_inventory (host_id, vcpus, vcpus_reserved, vcpus_ratio, vcpus_used, ram_mib, ram_reserved,
       ram_ratio, ram_used, disk_gib, disk_reserved, disk_ratio, disk_used, servers)
SELECT id, %(vcpus)s, 0, 4.0, 0, %(ram)s, 512, 1.0, 0, %(disk)s, 0, 1.0, 0, 0 FROM scheduling_host;
INSERT INTO scheduling_aggregate (uuid, name, metadata, created_at)
SELECT gen_random_uuid(), 'rack-' || n, jsonb_build_object('rack', n::text), now() FROM generate_series(1, %(racks)s) n
UNION ALL SELECT gen_random_uuid(), 'ssd', '{"ssd": "true"}', now();
INSERT INTO scheduling_aggregate_hosts (aggregate_id, host_id)
SELECT a.id, h.id FROM scheduling_host h JOIN scheduling_aggregate a ON a.name = 'rack-' || (h.number %% %(racks)s + 1);
INSERT INTO scheduling_aggregate_hosts (aggregate_id, host_id)
SELECT a.id, h.id FROM scheduling_host h JOIN scheduling_aggregate a ON a.name = 'ssd' WHERE h.number %% %(ssd)s = 0;
"""
# Servers that are there already: on each host a different number of them, so that ``fill`` of the RAM is taken on
# average; ``full`` of the hosts have no room at all.
_FILL = """
WITH wanted AS (
    SELECT id, CASE WHEN random() < %(full)s THEN 1 ELSE random() * 2 * %(fill)s END AS part FROM scheduling_host),
made AS (
    INSERT INTO scheduling_allocation (id, consumer_id, host_id, vcpus, ram_mib, disk_gib, created_at)
    SELECT gen_random_uuid(), gen_random_uuid(), w.id, 2, 4096, 40, now() - interval '1 hour'
      FROM wanted w, generate_series(1, floor(least(w.part, 1) * (%(ram)s - 512) / 4096)::int) RETURNING *)
UPDATE scheduling_inventory i SET vcpus_used = t.vcpus, ram_used = t.ram, disk_used = t.disk, servers = t.servers
  FROM (SELECT host_id, sum(vcpus) vcpus, sum(ram_mib) ram, sum(disk_gib) disk, count(*) servers FROM made GROUP BY 1) t
 WHERE i.host_id = t.host_id
"""
_WRONG = """
SELECT count(*) FILTER (WHERE i.vcpus_used > floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)
           OR i.ram_used > floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)
           OR i.disk_used > floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)),
       count(*) FILTER (WHERE (i.vcpus_used, i.ram_used, i.disk_used, i.servers) IS DISTINCT FROM
           (coalesce(a.vcpus, 0), coalesce(a.ram, 0), coalesce(a.disk, 0), coalesce(a.servers, 0)))
  FROM scheduling_inventory i LEFT JOIN (
       SELECT host_id, sum(vcpus) vcpus, sum(ram_mib) ram, sum(disk_gib) disk, count(*) servers
         FROM scheduling_allocation GROUP BY 1) a ON a.host_id = i.host_id
"""


def _execute(statement: str, values: dict[str, Any] | None = None) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def prepare(options: argparse.Namespace) -> None:
    """Write hosts, aggregates and what runs on them already."""
    import os_traits

    values = {
        "hosts": options.hosts, "zones": ZONES, "racks": RACKS, "gpu": GPU_SHARE, "ssd": SSD_SHARE,
        "vcpus": VCPUS, "ram": RAM_MIB, "disk": DISK_GIB, "fill": options.fill, "full": options.full,
        "traits": [name for name in os_traits.get_traits() if name.startswith("HW_CPU_X86")][:80],
    }  # fmt: skip
    _execute(_HOSTS, values)
    _execute(_FILL, values)
    _execute("VACUUM ANALYZE")


def _spec(kind: str) -> Any:
    from apps.scheduling.specs import RequestSpec

    vcpus, ram, disk = random.choice(SIZES)
    return RequestSpec(vcpus=vcpus, ram_mib=ram, disk_gib=disk, project_id="p", **KINDS[kind][1])


def _claim(kind: str) -> uuid.UUID | None:
    from apps.scheduling.exceptions import NoValidHost
    from apps.scheduling.services import allocations

    consumer = uuid.uuid4()
    try:
        allocations.choose_and_claim(consumer_id=consumer, spec=_spec(kind))
    except NoValidHost:
        return None
    return consumer


def client(seconds: float, pause: float, kinds: list[str], results: Any) -> None:
    """Choose and claim every ``pause`` seconds until the time is over, in a separate process, as a scheduler."""
    import django

    django.setup()
    from apps.scheduling.services import allocations

    shares = [KINDS[kind][0] for kind in kinds]
    for kind in kinds:  # reads what the hosts are, plans the statements
        allocations.release(consumer_id=_claim(kind) or uuid.uuid4())
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    used, failures = time.process_time(), 0
    due = time.perf_counter() + random.random() * pause
    until = due + seconds
    while time.perf_counter() < until:
        time.sleep(max(0.0, due - time.perf_counter()))
        due += pause
        [kind] = random.choices(kinds, shares)
        begin = time.perf_counter()
        consumer = _claim(kind)
        times[kind].append(time.perf_counter() - begin)
        failures += consumer is None
        if consumer:
            allocations.release(consumer_id=consumer)
    results.put((times, failures, time.process_time() - used))


def burst(size: int) -> int:
    """Return how many of ``size`` requests at the same moment were refused."""
    from django.db import connection

    def is_placed(_: int) -> bool:
        try:
            return _claim("plain") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(is_placed, range(size))).count(False)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    kinds = options.kinds.split(",")
    pause = options.clients / options.rate if options.rate else 0.0
    given = (options.seconds, pause, kinds, results)
    clients = [spawn.Process(target=client, args=given) for _ in range(options.clients)]
    for process in clients:
        process.start()
    reports = [results.get() for _ in clients]
    for process in clients:
        process.join()
    result: dict[str, Any] = {"failures": sum(failures for _, failures, _ in reports)}
    times = {kind: [value for by_kind, _, _ in reports for value in by_kind[kind]] for kind in kinds}
    for kind, values in {"all": [value for many in times.values() for value in many], **times}.items():
        if len(values) > 1:
            cuts = statistics.quantiles(values, n=100, method="inclusive")
            result[kind] = {"count": len(values), "p50_ms": cuts[49] * 1000, "p95_ms": cuts[94] * 1000,
                           "p99_ms": cuts[98] * 1000, "max_ms": max(values) * 1000}  # fmt: skip
    result["claims_per_s"] = result["all"]["count"] / options.seconds
    result["client_cpu_ms"] = sum(cpu for _, _, cpu in reports) * 1000 / result["all"]["count"]
    result["load"] = os.getloadavg()[0]
    result["burst_refused"] = burst(options.burst)
    result["oversold"], result["books_wrong"] = _execute(_WRONG)
    return result


def show(results: dict[str, Any], options: argparse.Namespace) -> None:
    print(f"{options.hosts} hosts, {options.clients} clients, {options.fill:.0%} of the RAM taken, "
          f"{options.full:.0%} of the hosts full")  # fmt: skip
    for kind in ("all", *options.kinds.split(",")):
        if kind in results:
            times = results[kind]
            print(f"  {kind:10} {times['count']:6} claims  "
                  f"p50 {times['p50_ms']:6.1f} ms  p95 {times['p95_ms']:6.1f} ms  "
                  f"p99 {times['p99_ms']:6.1f} ms  max {times['max_ms']:6.1f} ms")  # fmt: skip
    print(f"  {results['claims_per_s']:.0f} claims/s, client's CPU {results['client_cpu_ms']:.1f} ms each, "
          f"load of the machine {results['load']:.1f}")  # fmt: skip
    print(f"  failures={results['failures']}, "
          f"{options.burst} at once refused={results['burst_refused']}, oversold={results['oversold']}, "
          f"books_wrong={results['books_wrong']}")  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m bench.scheduling", description=__doc__)
    made.add_argument("--hosts", type=int, default=10_000)
    made.add_argument("--seconds", type=float, default=10)
    made.add_argument("--clients", type=int, default=4, help="processes that choose and claim")
    made.add_argument("--rate", type=float, default=50, help="claims a second in all; 0: as fast as they can")
    made.add_argument("--burst", type=int, default=32, help="requests at the same moment, afterwards")
    made.add_argument("--fill", type=_part, default=0.5, help="part of the RAM that is taken before, 0 to 0.5")
    made.add_argument("--full", type=_part, default=0.0, help="part of the hosts that have no room at all")
    made.add_argument("--kinds", default=",".join(KINDS), help="what is asked for")
    made.add_argument("--json", action="store_true", help="print everything as JSON")
    return made.parse_args(arguments)


def _part(text: str) -> float:
    ratio = float(text)
    if not 0 <= ratio <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no part: from 0 to 1")
    return ratio


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    testrun.sweep()
    services = testrun.Services(testrun.make_state())
    services.postgresql = PostgreSQL(services.state / "postgresql", services.environment["CELERITY_DATABASE_URL"])
    with services:
        os.environ |= {**services.environment, "DJANGO_SETTINGS_MODULE": "cloud.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=REPOSITORY, check=True)
        import django

        django.setup()
        prepare(options)
        results = measure(options)
    print(json.dumps(results)) if options.json else show(results, options)
    return 1 if results["failures"] or results["burst_refused"] or results["oversold"] or results["books_wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
