"""Server-boot benchmark for any OpenStack-compatible cloud. Standard library only, raw HTTP.

Creates N servers, waits for ACTIVE or ERROR, measures lists if asked, deletes them all, waits until they are gone, and
prints one JSON object. `python -m bench.boot_bench --help`.

--wait each   closed loop: each of C threads posts one server and waits for it before the next
--wait batch  each of C threads posts as fast as the API answers; ACTIVE is awaited afterwards
--poll get    (default for each)  GET /servers/<id> per server
--poll list   (default for batch) one poller lists all the run's servers
Time to ACTIVE is from just before the POST to the end of the poll that first shows ACTIVE, so it includes up to one
poll interval. The client is one Python process on the same machine.

--phases names what is done of boot, list and delete; phases of one --prefix belong together, in one call or several.
"""

import argparse
import json
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import urlencode

from bench.client import Login, Session, now, sign_in, spread, summary

Options = argparse.Namespace
PHASES = ("boot", "list", "delete")


class Boots:
    """The servers of one run: posts them and sees them become ACTIVE."""

    def __init__(self, session: Session, options: Options, image: str, flavor: str) -> None:
        self.session = session
        self.options = options
        plain = options.networks in ("none", "auto")
        networks = options.networks if plain else [{"uuid": options.networks}]
        self.body = {"imageRef": image, "flavorRef": flavor, "networks": networks}
        self.deadline = now() + options.timeout
        self.posted: dict[str, float] = {}
        self.active: dict[str, float | None] = {}  # None: ERROR
        self.post_seconds: list[float] = []
        self.poll_seconds: list[float] = []
        self.errors: list[str] = []
        self._stop = threading.Event()

    def run(self) -> dict[str, Any]:
        by_list = self.options.poll == "list"
        lister = threading.Thread(target=self._list_until_stopped)
        began, cpu, busy = now(), time.process_time(), machine_busy_seconds()
        if by_list:
            lister.start()
        post_wall, errors = spread(self.options.count, self.options.concurrency, self._make)
        self.errors += errors
        self._await_the_rest(by_list)
        cpu, busy_after = time.process_time() - cpu, machine_busy_seconds()
        self._stop.set()
        if by_list:
            lister.join()
        reached = {key: at for key, at in self.active.items() if at is not None}
        wall = (max(reached.values()) if reached else now()) - began
        return {
            "wall_s": round(wall, 3),
            "post_phase_s": round(post_wall, 3),
            "active": len(reached),
            "boots_per_s": round(len(reached) / wall, 3) if wall else None,
            "time_to_active_s": summary([at - self.posted[key] for key, at in reached.items()], 50, 95, 99),
            "post_s": summary(self.post_seconds, 50, 95, 99),
            "poll_s": summary(self.poll_seconds, 50, 95),
            "client_cpu_s": round(cpu, 2),
            "machine_busy_cpu_s": None if busy is None or busy_after is None else round(busy_after - busy, 2),
        }

    def _make(self, index: int) -> None:
        key = self._post(index)
        if self.options.wait != "each":
            return
        if self.options.poll == "get":
            self._poll(key)
        while key not in self.active and now() < self.deadline:
            time.sleep(0.005)

    def _post(self, index: int) -> str:
        began = now()
        body = {"server": {"name": f"{self.options.prefix}-{index}", **self.body}}
        status, _, document = self.session.http.call("POST", f"{self.session.nova}/servers", body)
        self.post_seconds.append(now() - began)
        if status != 202:
            raise RuntimeError(f"POST {status} {str(document)[:200]}")
        key = str(document["server"]["id"])
        self.posted[key] = began
        return key

    def _poll(self, key: str) -> None:
        while now() < self.deadline:
            began = now()
            status, _, document = self.session.http.call("GET", f"{self.session.nova}/servers/{key}")
            ended = now()
            self.poll_seconds.append(ended - began)
            state = document["server"]["status"] if status == 200 else ""
            if state == "ACTIVE":
                self.active[key] = ended
                return
            if state == "ERROR":
                self.active[key] = None
                raise RuntimeError(f"ERROR {str(document['server'].get('fault'))[:200]}")
            time.sleep(self.options.poll_interval)
        raise RuntimeError("TIMEOUT")

    def _await_the_rest(self, by_list: bool) -> None:
        while by_list and len(self.active) < len(self.posted) and now() < self.deadline:
            time.sleep(0.005)
        for key in [] if by_list else [key for key in self.posted if key not in self.active]:
            try:
                self._poll(key)
            except RuntimeError as error:
                self.errors.append(f"server {key} {error}")

    def _list_until_stopped(self) -> None:
        while not self._stop.wait(self.options.poll_interval):
            for state in ("ACTIVE", "ERROR"):
                began = now()
                keys_now = listed(self.session, self.options.prefix, status=state)
                ended = now()
                self.poll_seconds.append(ended - began)
                for key in keys_now:
                    if key not in self.active and state == "ERROR":
                        self.errors.append(f"server {key} ERROR")
                    self.active.setdefault(key, ended if state == "ACTIVE" else None)


def machine_busy_seconds() -> float | None:
    """Return the CPU seconds that everything on this machine has used (None where there is no /proc/stat)."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except OSError:
        return None
    return float(sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def listed(session: Session, prefix: str, **more: str) -> list[str]:
    """Return the ids of a run's servers, page by page."""
    servers: list[str] = []
    while True:
        query = {"name": prefix, "limit": 1000, **more, **({"marker": servers[-1]} if servers else {})}
        status, _, document = session.http.call("GET", f"{session.nova}/servers?{urlencode(query)}")
        if status != 200:
            return servers
        servers += [server["id"] for server in document["servers"]]
        if not document["servers"] or not document.get("servers_links"):
            return servers


def lists(session: Session, options: Options) -> dict[str, Any]:
    """Measure the list with details, page by page up to 1,000, and the single server, as often as was asked."""
    seconds, size, count = [], 0, 0
    for _ in range(options.list_bench):
        began = now()
        _, headers, document = session.http.call("GET", f"{session.nova}/servers/detail?limit=1000")
        seconds.append(now() - began)
        count, size = len(document["servers"]), int(headers.get("content-length", 0))
    shows = []
    for key in listed(session, options.prefix)[: options.list_bench]:
        began = now()
        session.http.call("GET", f"{session.nova}/servers/{key}")
        shows.append(now() - began)
    return {
        "list_detail": {**summary(seconds, 50, 95), "servers": count, "bytes": size},
        "show": summary(shows, 50, 95),
    }


def delete(session: Session, options: Options) -> tuple[dict[str, Any], list[str]]:
    """Delete the run's servers and wait until they are gone; return what was measured, and the errors."""
    keys, seconds = listed(session, options.prefix), []

    def delete_server(index: int) -> None:
        began = now()
        status, _, document = session.http.call("DELETE", f"{session.nova}/servers/{keys[index]}")
        seconds.append(now() - began)
        if status != 204:
            raise RuntimeError(f"DELETE {status} {str(document)[:200]}")

    began, deadline = now(), now() + options.timeout
    requests_wall, errors = spread(len(keys), options.concurrency, delete_server)
    while (left := len(listed(session, options.prefix))) and now() < deadline:
        time.sleep(options.poll_interval)
    wall = now() - began
    return {
        "wall_s": round(wall, 3),
        "requests_wall_s": round(requests_wall, 3),
        "left": left,
        "deletes_per_s": round((len(keys) - left) / wall, 3),
        "delete_s": summary(seconds, 50, 95, 99),
    }, errors


def choose(items: list[dict[str, Any]], wanted: str | None) -> str:
    """Return the id of the first item, or of the one with that id or name."""
    for item in items:
        if not wanted or wanted in (item["id"], item.get("name")):
            return str(item["id"])
    raise SystemExit(f"no such image, flavor or network: {wanted}")


def measure(session: Session, options: Options) -> dict[str, Any]:
    """Do the phases that were asked for; return the report."""
    names = ("label", "count", "concurrency", "networks", "wait", "poll", "poll_interval", "microversion")
    report = {name: getattr(options, name) for name in names} | {"auth_s": round(session.auth_seconds, 4)}
    errors: list[str] = []
    if "boot" in options.phases:
        images = session.http.call("GET", f"{session.glance}/images")[2]["images"]
        flavors = session.http.call("GET", f"{session.nova}/flavors")[2]["flavors"]
        boots = Boots(session, options, choose(images, options.image), choose(flavors, options.flavor))
        report |= boots.run()
        errors += boots.errors
    if "list" in options.phases and options.list_bench:
        report |= lists(session, options)
    if "delete" in options.phases and not options.keep:
        report["delete"], more = delete(session, options)
        errors += more
    return report | {"errors": len(errors), "error_samples": errors[:3]}


def parser() -> argparse.ArgumentParser:
    given = os.environ.get
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--auth-url", default=given("OS_AUTH_URL"))
    made.add_argument("--user", default=given("OS_USERNAME", "admin"))
    made.add_argument("--password", default=given("OS_PASSWORD"))
    made.add_argument("--project", default=given("OS_PROJECT_NAME", "admin"))
    made.add_argument("--domain", default="default", help="domain id of user and project")
    made.add_argument("--region", default=given("OS_REGION_NAME", ""))
    made.add_argument("--interface", default="public")
    made.add_argument("--count", type=int, default=20)
    made.add_argument("--concurrency", type=int, default=1)
    made.add_argument("--networks", default="none", help="'none', 'auto', or a network id")
    made.add_argument("--image")
    made.add_argument("--flavor")
    made.add_argument("--wait", choices=["each", "batch"], default="each")
    made.add_argument("--poll", choices=["get", "list"])
    made.add_argument("--poll-interval", type=float, default=0.2)
    made.add_argument("--timeout", type=float, default=600)
    made.add_argument("--microversion", default="2.37")
    made.add_argument("--list-bench", type=int, default=0, metavar="K", help="K x GET /servers/detail while all exist")
    made.add_argument("--keep", action="store_true", help="do not delete")
    made.add_argument("--print-network", metavar="NAME", help="print that network's id and exit")
    made.add_argument("--label", default="")
    made.add_argument("--phases", default=",".join(PHASES))
    made.add_argument("--prefix", default=f"bb-{os.getpid()}-{int(time.time())}", help="of the servers' names")
    return made


def main() -> int:
    options = parser().parse_args()
    options.phases = options.phases.split(",")
    options.poll = options.poll or ("get" if options.wait == "each" else "list")
    login = Login(
        options.auth_url, options.user, options.password, options.project, options.domain, options.region or "",
        options.interface,
    )  # fmt: skip
    session = sign_in(login, microversion=options.microversion)
    if options.print_network:
        print(choose(session.http.call("GET", f"{session.neutron}/networks")[2]["networks"], options.print_network))
        return 0
    report = measure(session, options)
    print(json.dumps(report, indent=1))
    return 1 if report["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
