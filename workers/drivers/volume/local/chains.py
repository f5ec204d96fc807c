"""Makes the chains of new volumes and snapshots, and merges layers that nobody else needs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from workers.drivers.volume.errors import SnapshotNotFound, SourceUnavailable, TooManySnapshots, VolumeTooSmall
from workers.drivers.volume.local import layer_files, records
from workers.drivers.volume.local.layer_files import Poll
from workers.drivers.volume.local.records import Chain, Directory, Record, Snapshot
from workers.drivers.volume.specs import FromImage, FromSnapshot, VolumeSpec

GIB = 1 << 30
MAX_CHAIN = 24


def blank(directory: Path, volume: VolumeSpec) -> Record:
    """A volume that reads as zeros."""
    top = records.new_layer(volume.format)
    layer_files.make_blank(directory / top, volume.size_bytes)
    return Record(volume.size_bytes, volume.format, (top,))


def from_image(directory: Path, volume: VolumeSpec, image: FromImage, poll: Poll | None = None) -> Record:
    """A volume on an image of the host's cache: the cache may evict it, the link keeps it."""
    check_size(volume, image.virtual_size)
    base = records.new_layer("qcow2" if image.format == "qcow2" else "raw")
    layer_files.link(Path(image.path), directory / base)
    return _above(directory, volume, (base,), poll)


def from_chain(
    directory: Path, volume: VolumeSpec, source: Path, content: Snapshot, poll: Poll | None = None
) -> Record:
    """A volume on layers of another one's directory, of which nobody changes any."""
    check_size(volume, content.size)
    for layer in content.chain:
        layer_files.link(source / layer, directory / layer)
    return _above(directory, volume, content.chain, poll)


def from_raw(directory: Path, volume: VolumeSpec, source: Path, content: Snapshot, poll: Poll | None = None) -> Record:
    """A volume from a raw file that its own volume goes on to write to: copied."""
    check_size(volume, content.size)
    base = records.new_layer("raw")
    layer_files.copy_raw(source / content.chain[0], directory / base, poll)
    return _above(directory, volume, (base,), poll)


def check_size(volume: VolumeSpec, size: int) -> None:
    """Raise VolumeTooSmall for a volume that its source does not fit into."""
    if size > volume.size_bytes:
        raise VolumeTooSmall(
            "The volume is too small for its source.", details=f"{size} bytes in {volume.size_gib} GiB"
        )


def _above(directory: Path, volume: VolumeSpec, chain: Chain, poll: Poll | None) -> Record:
    """The volume's own layer above others; where these are too many, or the volume is raw: a copy of them."""
    size = volume.size_bytes
    top = records.new_layer(volume.format)
    if volume.format == "qcow2" and not is_deep(chain):
        clean_ns = layer_files.make_overlay(directory / top, chain[0], size)
        return Record(size, volume.format, (top, *chain), clean_ns=clean_ns)
    layer_files.flatten(directory / chain[0], directory / top, size, poll)
    return Record(size, volume.format, (top,))


def is_deep(chain: Chain) -> bool:
    """Whether a clone of a chain is a copy: clones get snapshots, too."""
    return len(chain) > MAX_CHAIN // 2


def content_of(record: Record, source: FromSnapshot) -> Snapshot:
    """A snapshot's content. Raises SourceUnavailable."""
    snapshot = record.snapshots.get(source.snapshot_id)
    if snapshot is None:
        raise SourceUnavailable("The snapshot is not on the host.", details=source.snapshot_id)
    return snapshot


def is_clean(directory: Path, record: Record) -> bool:
    """Whether nothing was written to the volume since its top layer was made."""
    if not record.clean_ns or len(record.chain) < 2:
        return False
    return (directory / record.top).stat().st_mtime_ns == record.clean_ns


def with_new_top(directory: Path, record: Record, key: str) -> Record:
    """The record of a volume that has a new top layer; the others become the content of a snapshot, pending.

    Raises TooManySnapshots.
    """
    if len(record.chain) >= MAX_CHAIN:
        raise TooManySnapshots(
            "The volume's content is spread over too many snapshots and clones. Delete some of them, or copy it to a "
            "new volume.",
            details=f"{len(record.chain)} layers",
        )
    top = records.new_layer("qcow2")
    clean_ns = layer_files.make_overlay(directory / top, record.top, record.size)
    pending = {**record.pending, key: Snapshot(record.chain, record.size)}
    return replace(record, chain=(top, *record.chain), pending=pending, clean_ns=clean_ns)


def settled(record: Record) -> Record:
    """The record after the export has switched to the top layer."""
    taken = {key: item for key, item in record.pending.items() if key}
    return replace(record, snapshots={**record.snapshots, **taken}, pending={})


def reverted(directory: Path, record: Record, snapshot_id: str) -> Record:
    """The record of a volume that has the content of a snapshot again. Raises SnapshotNotFound."""
    snapshot = record.snapshots.get(snapshot_id)
    if snapshot is None:
        raise SnapshotNotFound("The volume has no such snapshot.", details=snapshot_id)
    if record.format == "raw":
        top = records.new_layer("raw")
        layer_files.copy_raw(directory / snapshot.chain[0], directory / top)
        return replace(record, chain=(top,), size=snapshot.size, clean_ns=0)
    top = records.new_layer("qcow2")
    clean_ns = layer_files.make_overlay(directory / top, snapshot.chain[0], snapshot.size)
    return replace(record, chain=(top, *snapshot.chain), size=snapshot.size, clean_ns=clean_ns)


def collect(pool: Directory, volume_id: str, record: Record) -> None:
    """Remove the layers that the volume needs no more."""
    for path in pool.strays(volume_id, record):
        path.unlink(missing_ok=True)


def above(record: Record, layer: str) -> set[str]:
    """The layers that lie on a layer."""
    return {upper for chain in record.chains() for upper, lower in pairwise(chain) if lower == layer}


def mergeable(directory: Path, record: Record, *, exported: bool) -> tuple[Chain, str, str] | None:
    """A chain, and two layers of it of which the upper can be written into the lower.

    Nobody else may have the lower one: no other volume, no other layer, no snapshot of just its content. What an export
    writes to stays, and while there is one, so do layers that only snapshots have.
    """
    chains = record.chains()
    heads = {chain[0] for chain in chains}
    for chain in chains[:1] if exported else chains:
        for upper, lower in pairwise(chain[1:] if exported else chain):
            is_alone = len(above(record, lower)) == 1 and lower not in heads and records.format_of(lower) == "qcow2"
            if is_alone and (directory / lower).stat().st_nlink == 1:
                return chain, upper, lower
    return None
