"""What processes use, read from /proc: CPU seconds and memory of whole process trees."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1024  # KiB


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB. ``pss`` counts a page that n processes share as 1/n for each, so that a sum is right."""

    pss: float
    rss: float

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.pss + other.pss, self.rss + other.rss)


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def additions() -> float:
    """Return the CPU seconds that this interpreter takes for ten million additions, the best of five tries.

    Machines differ, and virtual ones differ from hour to hour: figures compare where this one is the same.
    """
    tries = []
    for _ in range(5):
        began, total = time.process_time(), 0
        for number in range(10_000_000):
            total += number
        tries.append(time.process_time() - began)
    return round(min(tries), 3)


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return what the trees under ``roots`` have used, user and system, children that ended included."""
    total = 0
    for root in roots:
        for pid in tree(root):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime: proc(5)
    return total / TICKS


def memory(root: int) -> Memory:
    """Return the memory of the tree under ``root``."""
    total = Memory(0, 0)
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        total += Memory(kilobytes.get("Pss", 0) / MIB, kilobytes.get("Rss", 0) / MIB)
    return total
