"""Which processors and memory of a host are a guest's: dedicated processors, NUMA cells, pages. Pure: plain data.

A host's topology, as its agent reports it: ``{"dedicated": [2, 3], "shared": [0, 1], "cells": [{"id": 0, "cpus": [0, 1, 2, 3],
"siblings": [[0, 1], [2, 3]], "memory": 8192, "pages": {"2048": 512}}]}``: MiB, and pages of so many KiB. A guest's placement there:
``{"cells": [{"host": 0, "pins": {"0": 2}, "floating": [1], "on": [0, 1], "memory": 512, "page": 2048}], "emulator": [3],
"kept": [], "devices": ["0000:3b:00.0"]}``. A host's ``pci`` are devices that guests may have: ``{"address": "0000:3b:00.0", "model": "10de:1eb8"}``. ``floating`` processors of the guest run ``on`` those of the host; ``kept`` ones of the host nobody uses;
``page`` 0: ordinary pages.
"""  # noqa: E501

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Topology = Mapping[str, Any]
SMALL_KIB = 4
# Of a guest that runs and whose claim was lost: what it has is known again from its next start on.
UNKNOWN: Topology = {"cells": [], "unknown": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCell:
    """A NUMA cell of a guest: its processors that have one of the host's each, and those that share; memory in MiB."""

    pinned: frozenset[int] = frozenset()
    floating: frozenset[int] = frozenset()
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestTopology:
    """``page`` is large, any, "" (ordinary), or a size in KiB; ``threads`` is prefer, isolate or require.

    Without cells it only has PCI ``devices``: for each the models that will do. ``own_emulator``: QEMU's own threads
    get a dedicated processor beside the guest's. ``realtime``: the guest's processors that nothing else may interrupt.
    """

    cells: tuple[GuestCell, ...] = ()
    devices: tuple[tuple[str, ...], ...] = ()
    page: str | int = ""
    threads: str = "prefer"
    own_emulator: bool = False
    realtime: frozenset[int] = frozenset()

    @property
    def shared_vcpus(self) -> int:
        """Return how many of its processors are counted among a host's shared ones."""
        return sum(len(cell.floating) for cell in self.cells)


@dataclass(slots=True)
class _Room:
    """What is free of a host's cell: its processors by core, memory in ordinary pages (MiB), pages by size in KiB."""

    id: int
    cpus: frozenset[int]
    cores: list[list[int]]
    whole: list[int]  # how many threads each core has
    memory: int
    pages: Counter[int] = field(default_factory=Counter)


def fit(guest: GuestTopology, host: Topology, used: Sequence[Topology]) -> dict[str, Any] | None:
    """Return a placement of the guest on a host on which the placements ``used`` are, or None where there is no room.

    Each cell of the guest gets a cell of the host, none the same. Beside a guest of which nobody knows what it has
    there is no room.
    """
    if any(is_unknown(placement) for placement in used):
        return None
    rooms = list(_rooms(host, used))
    placed = _place(guest, rooms, frozenset(host.get("shared", ())))
    devices = _devices(guest.devices, host, used)
    if placed is None or devices is None:
        return None
    cells, emulator, kept = [], [], []
    for cell, own, unused in placed:
        cells.append(cell)
        emulator += own
        kept += unused
    return {"cells": cells, "emulator": emulator, "kept": sorted(kept), "devices": devices}


def is_unknown(placement: Topology) -> bool:
    return bool(placement.get("unknown"))


def is_of(host: Topology, placement: Topology) -> bool:
    """Whether a placement is known, and its processors are among those that the host has for such guests."""
    return not is_unknown(placement) and taken([placement]) <= frozenset(host.get("dedicated", ()))


def _devices(asked: Sequence[Sequence[str]], host: Topology, used: Sequence[Topology]) -> list[str] | None:
    """Return the address of a free device for each that is asked, or None. The choosiest choose first."""
    busy = {address for placement in used for address in placement.get("devices", ())}
    free = {device["address"]: device["model"] for device in host.get("pci", ()) if device["address"] not in busy}
    chosen: list[str] = []
    for models in sorted(asked, key=len):
        address = next((key for key in sorted(free) if free[key] in models), None)
        if address is None:
            return None
        chosen.append(address)
        del free[address]
    return chosen


def taken(placements: Sequence[Topology]) -> frozenset[int]:
    """Return the host's processors that placements have for themselves."""
    cpus: set[int] = set()
    for placement in placements:
        cpus |= {*placement.get("emulator", ()), *placement.get("kept", ())}
        cpus |= {cpu for cell in placement["cells"] for cpu in cell["pins"].values()}
    return frozenset(cpus)


def _rooms(host: Topology, used: Sequence[Topology]) -> Iterator[_Room]:
    free = frozenset(host.get("dedicated", ())) - taken(used)
    placed = [cell for placement in used for cell in placement["cells"]]
    for cell in host.get("cells", ()):
        mine = [other for other in placed if other["host"] == cell["id"]]
        pages = Counter({int(size): int(count) for size, count in cell.get("pages", {}).items()})
        memory = int(cell["memory"]) - sum(size * count for size, count in pages.items()) // 1024
        for other in mine:
            if other["page"]:
                pages[other["page"]] -= other["memory"] * 1024 // other["page"]
            else:
                memory -= other["memory"]
        cpus = frozenset(cell["cpus"])
        siblings = [list(core) for core in cell.get("siblings") or [[cpu] for cpu in cell["cpus"]]]
        cores = [[cpu for cpu in core if cpu in free] for core in siblings]
        yield _Room(cell["id"], cpus, cores, [len(core) for core in siblings], memory, pages)


def _place(
    guest: GuestTopology, rooms: Sequence[_Room], shared: frozenset[int]
) -> list[tuple[dict[str, Any], list[int], list[int]]] | None:
    """Place each of the guest's cells in a separate room, in the first ones that will do."""
    if len(guest.cells) > len(rooms):
        return None
    ways = [[_placed(guest, index, room, shared) for room in rooms] for index in range(len(guest.cells))]
    tenants: dict[int, int] = {}  # by room
    for index in range(len(ways)):
        if not _give_room(index, ways, tenants, set()):
            return None
    rooms_of = {index: room for room, index in tenants.items()}
    return [way for index, of_cell in enumerate(ways) if (way := of_cell[rooms_of[index]]) is not None]


def _give_room(index: int, ways: Sequence[Sequence[Any]], tenants: dict[int, int], asked: set[int]) -> bool:
    """Give a cell a room; who has it moves to another one. A matching of a bipartite graph by augmenting paths (Kuhn):
    users choose the number of cells, and all orders of them would be too many to try.
    """
    rooms = [room for room, way in enumerate(ways[index]) if way is not None]
    for room in sorted(rooms, key=lambda number: number in tenants):
        if room in asked:
            continue
        asked.add(room)
        if room not in tenants or _give_room(tenants[room], ways, tenants, asked):
            tenants[room] = index
            return True
    return False


def _placed(
    guest: GuestTopology, index: int, room: _Room, shared: frozenset[int]
) -> tuple[dict[str, Any], list[int], list[int]] | None:
    """Return a cell as it would be in a room, the emulator's processors, and those that stay unused; None: no room."""
    cell = guest.cells[index]
    more = int(guest.own_emulator and index == 0)
    page = _page(guest.page, cell.memory_mib, room)
    chosen = _cpus(room, len(cell.pinned) + more, guest.threads)
    if page is None or chosen is None:
        return None
    cpus, kept = chosen
    pins = {str(vcpu): cpu for vcpu, cpu in zip(sorted(cell.pinned), cpus, strict=False)}
    placed = {
        "host": room.id, "pins": pins, "floating": sorted(cell.floating),
        "on": sorted((shared & room.cpus) or shared or room.cpus), "memory": cell.memory_mib, "page": page,
    }  # fmt: skip
    return placed, cpus[len(cell.pinned) :], kept


def _page(asked: str | int, memory_mib: int, room: _Room) -> int | None:
    """Return the size of the pages that the cell's memory has there (0: ordinary ones), or None without room."""
    sizes = sorted((size for size in room.pages if size > SMALL_KIB), reverse=True)
    if isinstance(asked, int):
        sizes = [asked] if asked > SMALL_KIB else []
    elif asked not in ("large", "any"):
        sizes = []
    for size in sizes:
        if memory_mib * 1024 % size == 0 and room.pages[size] >= memory_mib * 1024 // size:
            return size
    is_ordinary = asked in ("", "any") or (isinstance(asked, int) and asked <= SMALL_KIB)
    return 0 if is_ordinary and room.memory >= memory_mib else None


def _cpus(room: _Room, count: int, threads: str) -> tuple[list[int], list[int]] | None:
    """Return dedicated processors, and those that stay unused beside them; None without room.

    require: threads of a core together; isolate: a core for each; prefer: as many as can be on the same cores.
    """
    if count == 0:
        return [], []
    cores = list(zip(room.cores, room.whole, strict=True))
    if threads == "isolate":
        empty = [core for core, whole in cores if len(core) == whole][:count]
        return (
            ([core[0] for core in empty], [cpu for core in empty for cpu in core[1:]]) if len(empty) == count else None
        )
    if threads == "require":
        cores = [(core, whole) for core, whole in cores if whole > 1 and len(core) > 1]
    chosen = [cpu for core, _ in sorted(cores, key=lambda item: -len(item[0])) for cpu in core][:count]
    return (chosen, []) if len(chosen) == count else None


def parse_cpus(text: str) -> frozenset[int]:
    """Return the numbers of a set like ``0-3,^2,8``. Raises ValueError."""
    chosen: set[int] = set()
    without: set[int] = set()
    for part in filter(None, (word.strip() for word in text.split(","))):
        first, dash, last = part.removeprefix("^").partition("-")
        numbers = range(int(first), int(last if dash else first) + 1)
        if not numbers or numbers[0] < 0 or numbers[-1] > 4095:
            raise ValueError(f"not a set of processors: {part[:64]!r}")
        (without if part.startswith("^") else chosen).update(numbers)
    return frozenset(chosen - without)
