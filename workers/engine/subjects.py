"""The subjects of pipelines. Apps read them in the catalogue (apps/workflow/catalogue.py)."""

from apps.compute.selectors import server_counts, servers
from apps.compute.states import SUBJECT
from apps.volumes import states as volume_states
from apps.volumes.selectors import backups, snapshots, volumes
from apps.workflow.catalogue import Subject

SERVER = Subject(
    name=SUBJECT,
    model="compute.Server",
    existing=lambda ids: servers.existing(server_ids=list(ids)),
    names=lambda ids: server_counts.names(server_ids=ids),
    like=lambda text: server_counts.ids_like(text=text),
)
VOLUME = Subject(
    name=volume_states.SUBJECT,
    model="volumes.Volume",
    existing=lambda ids: volumes.existing(ids),
    names=lambda ids: volumes.names(ids),
    like=lambda text: volumes.ids_like(text),
)
SNAPSHOT = Subject(
    name=volume_states.SNAPSHOT,
    model="volumes.Snapshot",
    existing=lambda ids: snapshots.existing(ids),
    names=lambda ids: snapshots.names(ids),
    like=lambda text: snapshots.ids_like(text),
)
BACKUP = Subject(
    name=volume_states.BACKUP,
    model="volumes.Backup",
    existing=lambda ids: backups.existing(ids),
    names=lambda ids: backups.names(ids),
    like=lambda text: backups.ids_like(text),
)
