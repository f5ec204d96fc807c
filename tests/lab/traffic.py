"""Traffic while something breaks: pings with their losses and gaps, and data over TCP with its digest."""

import itertools
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.cloud import wait_for
from tests.lab.cloud import Guest, LabCloud

PORT, FLOW_PORT, MEGABYTES = 5001, 5002, 4
LISTEN = f"sleep 30 | nc -l -p {PORT}"  # at the end of its input, nc would hang up
INTERVAL = 0.05  # seconds from ping to ping


@dataclass
class Pings:
    """What came back: numbers of the pings, and when; empty until the end of the block that made them."""

    sent: int = 0
    received: list[tuple[int, float]] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.sent - len(self.received)

    @property
    def gap(self) -> float:
        """The longest time between two answers, in seconds."""
        moments = [moment for _, moment in self.received]
        return max(after - before for before, after in itertools.pairwise(moments))


@contextmanager
def pinging(address: str) -> Iterator[Pings]:
    """Ping an address from this machine while the block runs. The first answer comes before it."""
    command = ["ping", "-D", "-n", "-i", str(INTERVAL), address]
    pings = Pings()
    wait_for(lambda: subprocess.run(["ping", "-c1", "-W1", address], capture_output=True).returncode == 0, what=address)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield pings
        finally:
            time.sleep(4 * INTERVAL)  # for what is on its way
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=20)[0]
    answers = re.findall(r"^\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+)", output, re.MULTILINE)
    pings.received = [(int(number), float(moment)) for moment, number in answers]
    pings.sent = max(number for number, _ in pings.received)


@contextmanager
def pinging_in(cloud: LabCloud, source: Guest, address: str) -> Iterator[Callable[[], tuple[int, int]]]:
    """Ping an address from a guest while the block runs; what it yields tells sent and received afterwards."""
    pid = cloud.ssh(source, f"ping -i 1 {address} > /tmp/pings 2>&1 & echo $!")

    def count() -> tuple[int, int]:
        summary = cloud.ssh(source, f"kill -INT {pid}; sleep 1; cat /tmp/pings") or ""
        sent, received = re.findall(r"(\d+) packets transmitted, (\d+) packets received", summary)[-1]
        return int(sent), int(received)

    yield count


def send(cloud: LabCloud, source: Guest, target: Guest, by: Guest | None = None) -> None:
    """Send data from guest to guest over TCP, and compare digests: large segments and checksums are tried.

    Those of them that have no floating IP are reached ``by`` another one.
    """
    cloud.ssh(target, f"rm -f /tmp/received; {LISTEN} | sha256sum > /tmp/received & sleep 0.2; true", by=by)
    data = f"dd if=/dev/urandom of=/tmp/data bs=1M count={MEGABYTES} 2>/dev/null; sha256sum < /tmp/data"
    sent = cloud.ssh(source, f"{data}; nc -w 20 {target.address} {PORT} < /tmp/data", by=by)
    received = cloud.ssh(target, "while [ ! -s /tmp/received ]; do sleep 0.1; done; cat /tmp/received", by=by)
    assert sent and received == sent


@contextmanager
def flowing(cloud: LabCloud, source: Guest, target: Guest) -> Iterator[Callable[[], int]]:
    """Have one TCP connection from guest to guest while the block runs, with ten lines a second; what it yields tells
    how many bytes of it have arrived.
    """
    listen = f"rm -f /tmp/flow; sleep 600 | nc -l -p {FLOW_PORT} > /tmp/flow 2>/dev/null & sleep 0.2; true"
    cloud.ssh(target, listen)
    lines = "(while true; do echo tick; sleep 0.1; done)"
    pid = cloud.ssh(source, f"{lines} | nc {target.address} {FLOW_PORT} > /dev/null 2>&1 & echo $!")

    def arrived() -> int:
        return int(cloud.ssh(target, "wc -c < /tmp/flow", check=False) or 0)

    wait_for(arrived, what="the first line")
    yield arrived
    cloud.ssh(source, f"kill {pid}", check=False)
