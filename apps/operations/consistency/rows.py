"""The rows compared with each other, across the applications: read only, one statement each.

In a busy cloud these return work in progress too: reconcilers check again under the locks.
"""

import uuid
from typing import Any, NamedTuple

from django.db import connection

from apps.compute import migration_states
from apps.volumes.selectors import quota_counts

ENDED = str(migration_states.ENDED)
OPEN = "('queued', 'running', 'reverting')"


class Misplaced(NamedTuple):
    """An allocation whose server or volume does not exist, or is on another host (``consumer_host``)."""

    consumer_id: uuid.UUID
    host: str
    exists: bool
    consumer_host: str
    is_volume: bool


class Stuck(NamedTuple):
    """A server with a task and no active run."""

    server_id: uuid.UUID
    vm_state: str
    task_state: str


class Stray(NamedTuple):
    """A server's ports that are bound to ``port_host``; ``server_host`` None: the server does not exist."""

    server_id: uuid.UUID
    port_host: str
    server_host: str | None


_USED = """
SELECT h.name, i.vcpus_used, i.ram_used, i.disk_used, i.servers, coalesce(sum(a.vcpus), 0), coalesce(sum(a.ram_mib), 0),
       coalesce(sum(a.disk_gib), 0), count(a.id) FILTER (WHERE a.ram_mib > 0)
  FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
  LEFT JOIN scheduling_allocation a ON a.host_id = i.host_id
 GROUP BY h.name, i.vcpus_used, i.ram_used, i.disk_used, i.servers
"""
# A migration holds what the server has on the host that it is not on.
_MISPLACED = f"""
SELECT a.consumer_id::text, h.name, coalesce(s.id, v.id) IS NOT NULL, coalesce(s.host, v.host, ''), v.id IS NOT NULL
  FROM scheduling_allocation a
  JOIN scheduling_host h ON h.id = a.host_id
  LEFT JOIN compute_server s ON s.id = a.consumer_id AND s.deleted_at IS NULL
  LEFT JOIN volumes_volume v ON v.id = a.consumer_id AND v.deleted_at IS NULL
 WHERE (coalesce(s.id, v.id) IS NULL OR (s.host <> h.name AND s.vm_state <> 'building')
        OR (v.host <> h.name AND v.status NOT IN ('creating', 'downloading')))
   AND NOT EXISTS (SELECT 1 FROM compute_migration m WHERE m.uuid = a.consumer_id AND m.status NOT IN {ENDED})
   AND NOT EXISTS (SELECT 1 FROM volumes_volume t WHERE t.target_claim = a.consumer_id)
"""  # noqa: S608 - our own words
_UNALLOCATED = """
SELECT s.id::text, s.host FROM compute_server s LEFT JOIN scheduling_allocation a ON a.consumer_id = s.id
 WHERE s.deleted_at IS NULL AND s.host <> '' AND a.id IS NULL
"""
_UNALLOCATED_VOLUMES = """
SELECT v.id::text, v.host FROM volumes_volume v LEFT JOIN scheduling_allocation a ON a.consumer_id = v.id
 WHERE v.deleted_at IS NULL AND v.host <> '' AND a.id IS NULL
"""
_STUCK_VOLUMES = f"""
SELECT v.id::text, v.status FROM volumes_volume v
 WHERE (v.deleted_at IS NULL AND v.status IN ('creating', 'downloading', 'extending', 'deleting', 'backing-up',
                                             'restoring-backup', 'reverting', 'uploading', 'retyping')
        OR v.deleted_at IS NULL AND v.status = 'maintenance'
           AND v.migration_status IN ('starting', 'migrating', 'completing'))
   AND NOT EXISTS (SELECT 1 FROM volumes_attachment a WHERE a.volume_id = v.id AND a.at_target)
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = v.id AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
# What is kept for a swap, the server's host decides (workers/host/reconcilers/swaps.py), or an operator.
_SWAPPED = f"""
SELECT a.id::text, a.volume_id::text, a.host,
       a.status = 'reserved' AND a.host <> '' AND a.host IS NOT DISTINCT FROM s.host AND v.status = 'reserved'
  FROM volumes_attachment a
  JOIN volumes_volume v ON v.id = a.volume_id
  LEFT JOIN compute_server s ON s.id = a.server_id AND s.deleted_at IS NULL
 WHERE a.by_compute AND a.server_id IS NOT NULL AND NOT a.at_target AND a.status IN ('reserved', 'detaching')
   AND NOT EXISTS (SELECT 1 FROM compute_blockdevice d WHERE d.attachment_id = a.id)
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id IN (a.server_id, a.volume_id) AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
# Its guest may have either copy: the server's host alone knows it, until an operator sets the volume's status.
_UNDECIDED_MOVES = f"""
SELECT DISTINCT v.id::text, a.host FROM volumes_volume v JOIN volumes_attachment a ON a.volume_id = v.id AND a.at_target
 WHERE v.deleted_at IS NULL AND v.status IN ('maintenance', 'retyping', 'error')
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id IN (a.server_id, v.id) AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_GIVEN_UP_MOVES = f"""
SELECT v.id::text FROM volumes_volume v LEFT JOIN volumes_attachment a ON a.volume_id = v.id AND a.at_target
 WHERE v.deleted_at IS NULL AND v.status NOT IN ('maintenance', 'retyping')
   AND (a.id IS NOT NULL AND v.status <> 'error' OR a.id IS NULL AND v.target_claim IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id IN (a.server_id, v.id) AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_STUCK_SNAPSHOTS = f"""
SELECT s.id::text, s.status FROM volumes_snapshot s JOIN volumes_volume v ON v.id = s.volume_id
 WHERE s.deleted_at IS NULL AND v.status <> 'deleting'
   AND s.status IN ('creating', 'deleting', 'backing-up', 'restoring')
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = s.id AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_STUCK_BACKUPS = f"""
SELECT b.id::text, b.status FROM volumes_backup b
 WHERE b.deleted_at IS NULL AND b.status IN ('creating', 'restoring', 'deleting')
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = b.id AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_UNSETTLED = f"""
SELECT DISTINCT r.consumer_id::text FROM quotas_reservation r
 WHERE NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = r.consumer_id AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_STUCK = f"""
SELECT s.id::text, s.vm_state, s.task_state FROM compute_server s
 WHERE s.deleted_at IS NULL AND (s.task_state <> '' OR s.vm_state = 'building')
   AND NOT EXISTS (SELECT 1 FROM workflow_run w WHERE w.subject_id = s.id AND w.state IN {OPEN})
"""  # noqa: S608 - our own words
_STRAY = """
SELECT DISTINCT p.device_id, p.host, s.host FROM networking_port p
  LEFT JOIN compute_server s ON s.id::text = p.device_id AND s.deleted_at IS NULL
 WHERE p.request_index IS NOT NULL AND p.device_id <> ''
   AND (p.host IS DISTINCT FROM s.host OR p.moving_to <> '' AND s.task_state = '')
   AND (s.id IS NULL OR s.vm_state <> 'building')
"""


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def miscounted() -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Return hosts whose used capacity is not the sum of their allocations: (name, used, allocated).

    Amounts are (vCPUs, RAM in MiB, disk in GiB, servers).
    """
    counts = [(str(name), tuple(map(int, n[:4])), tuple(map(int, n[4:]))) for name, *n in _rows(_USED)]
    return [row for row in counts if row[1] != row[2]]


def misplaced() -> list[Misplaced]:
    return [Misplaced(uuid.UUID(key), *values) for key, *values in _rows(_MISPLACED)]


def unallocated() -> list[tuple[uuid.UUID, str]]:
    """Return placed servers without an allocation: (server, its host)."""
    return [(uuid.UUID(key), host) for key, host in _rows(_UNALLOCATED)]


def unallocated_volumes() -> list[tuple[uuid.UUID, str]]:
    """Return placed volumes without an allocation: (volume, its host)."""
    return [(uuid.UUID(key), host) for key, host in _rows(_UNALLOCATED_VOLUMES)]


def stuck_volumes() -> list[tuple[uuid.UUID, str]]:
    """Return volumes on which a run should work, and none does: (volume, its status)."""
    return [(uuid.UUID(key), status) for key, status in _rows(_STUCK_VOLUMES)]


def left_attachments() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return what is left of a swap, no device of a server, and of no run: (attachment, its volume)."""
    return [(uuid.UUID(key), uuid.UUID(volume)) for key, volume, _, waits in _rows(_SWAPPED) if not waits]


def undecided_swaps() -> list[tuple[uuid.UUID, str]]:
    """Return volumes that a guest may have by a swap that no run works on: (volume, the server's host)."""
    return [(uuid.UUID(volume), host) for _, volume, host, waits in _rows(_SWAPPED) if waits]


def undecided_moves() -> list[tuple[uuid.UUID, str]]:
    """Return volumes whose guest may be at either end of a move that no run works on: (volume, the server's host)."""
    return [(uuid.UUID(key), host) for key, host in _rows(_UNDECIDED_MOVES)]


def given_up_moves() -> list[uuid.UUID]:
    """Return volumes that keep the target of a move, and whose status, as an operator set it, is not one of a move."""
    return [uuid.UUID(key) for (key,) in _rows(_GIVEN_UP_MOVES)]


def stuck_snapshots() -> list[tuple[uuid.UUID, str]]:
    """Return snapshots on which a run should work, and none does: (snapshot, its status)."""
    return [(uuid.UUID(key), status) for key, status in _rows(_STUCK_SNAPSHOTS)]


def stuck_backups() -> list[tuple[uuid.UUID, str]]:
    """Return backups on which a run should work, and none does: (backup, its status)."""
    return [(uuid.UUID(key), status) for key, status in _rows(_STUCK_BACKUPS)]


def unsettled() -> list[uuid.UUID]:
    """Return consumers with a reservation, and without a run that would settle it."""
    consumers = [uuid.UUID(key) for (key,) in _rows(_UNSETTLED)]
    settled_later = quota_counts.retyping() if consumers else ()
    return [key for key in consumers if key not in settled_later]


def stuck() -> list[Stuck]:
    return [Stuck(uuid.UUID(key), vm_state, task_state) for key, vm_state, task_state in _rows(_STUCK)]


def strays() -> list[Stray]:
    return [Stray(uuid.UUID(key), port_host, there) for key, port_host, there in _rows(_STRAY)]
