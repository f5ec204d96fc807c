"""A 10 MiB qcow2 file whose L1 entries all named one L2 table held an API process for hours (57 ms for each entry).

Each distinct table is read once, and what takes longer than the budget of CPU time is refused.
"""

import io

from apps.images import qcow2
from tests.unit.images import samples


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_a_table_that_every_entry_names_is_read_once() -> None:
    for bits, entries in ((21, 2048), (16, 65536), (9, 100_000)):
        data = samples.back_references(cluster_bits=bits, entries=entries)
        stream = Counting(data)
        assert qcow2.fault(stream, len(data)) is None
        assert stream.taken <= 4096 + 8 * entries + (1 << bits)


def test_the_budget_ends_the_walk() -> None:
    data = samples.qcow2(data_at=0)
    assert qcow2.fault(io.BytesIO(data), len(data)) is None
    assert "too long" in str(qcow2.fault(io.BytesIO(data), len(data), cpu_seconds=-1.0))


def test_entries_that_are_compressed_are_told_from_flags() -> None:
    for kind, offset, fault in (
        (1 << 63, 4 * samples.CLUSTER, None),
        (1 << 62, 4 * samples.CLUSTER + 100, None),
        (1 << 62, 6 * samples.CLUSTER, "data is behind its end"),
        (1 << 63, 6 * samples.CLUSTER, "data is behind its end"),
        (1 << 62 | 3 << 54, 4 * samples.CLUSTER, None),  # three sectors of compressed data
    ):
        data = samples.qcow2(data_at=kind | offset)
        assert (qcow2.fault(io.BytesIO(data), len(data)) or "").endswith(fault or ""), hex(kind)
        assert (qcow2.fault(io.BytesIO(data), len(data)) is None) == (fault is None)
