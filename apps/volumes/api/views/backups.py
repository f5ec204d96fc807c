"""Backups: create, list, show, update, restore, delete; records of backups for other clouds."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.documents import backups as documents
from apps.volumes.api.listing import BACKUPS
from apps.volumes.api.serializers import backups as serializers
from apps.volumes.api.serializers import metadata as metadata_serializers
from apps.volumes.api.views.base import ActionView, Collection, Item, VolumeView
from apps.volumes.exceptions import InvalidInput
from apps.volumes.models import Backup, Volume
from apps.volumes.selectors import backups as selectors
from apps.volumes.services import backup_records, backups, volume_requests, volumes

RULE = "backup:{}"
UPDATES = since("3.9")
RECORD = {"backup-record": {"backup_service": backup_records.SERVICE, "backup_url": "<what export_record returned>"}}


class _BackupView(VolumeView):
    def brief(self, row: Backup) -> dict[str, Any]:
        return documents.render_brief(row, self.links)

    def full(self, row: Backup) -> dict[str, Any]:
        return documents.render(row, self.links, self.version, admin=self.caller.is_admin)

    def backup(self, backup_id: str, rule: str) -> Backup:
        """Return the backup if the rule lets the caller act on it. Raises BackupNotFound (404), PolicyForbidden."""
        row = selectors.get(context=self.caller, backup_id=backup_id)
        self.check(rule, row)
        return row


class BackupsView(_BackupView, Collection):
    """The project's backups, briefly."""

    plural, listing, rule = "backups", BACKUPS, RULE.format("get_all")
    resource, counts_since, named_since = "backup", since("3.45"), since("3.37")
    request_serializers = {"post": serializers.BackupCreate}
    examples = {"POST": {"backup": {"volume_id": "<a volume's id>", "name": "daily", "incremental": False}}}

    def rows(self) -> QuerySet[Backup]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def render(self, row: Backup) -> dict[str, Any]:
        return self.brief(row)

    def post(self, request: Request, **ids: str) -> Response:
        """Back a volume or a snapshot up: 202, and the work continues."""
        self.check(RULE.format("create"))
        values = self.parse(request, "backup")
        volume = self.volume(values["volume_id"], RULE.format("create"))
        key = values.get("snapshot_id")
        row = backups.create(
            context=self.caller,
            volume=volume,
            values=values,
            snapshot=self.snapshot(key, RULE.format("create")) if key else None,
            incremental=bool(values.get("incremental")),
            force=bool(values.get("force")),
        )
        return Response({"backup": self.brief(row)}, status=202)


class BackupsDetailView(BackupsView):
    """The project's backups with everything about them."""

    http_method_names = ["get", "head", "options"]

    def render(self, row: Backup) -> dict[str, Any]:
        return self.full(row)


class BackupView(_BackupView, Item):
    """One backup."""

    noun = "backup"
    rules = {name: RULE.format(verb) for name, verb in (("show", "get"), ("update", "update"), ("delete", "delete"))}
    request_serializers = {"put": serializers.BackupUpdate}
    examples = {"PUT": {"backup": {"name": "daily", "description": "What it is for"}}}

    def load(self, backup_id: str) -> Backup:
        return selectors.get(context=self.caller, backup_id=backup_id)

    def render(self, row: Backup) -> dict[str, Any]:
        return self.full(row)

    def put(self, request: Request, backup_id: str) -> Response:
        """Change a backup's name, description or metadata (3.9)."""
        self.require(UPDATES)
        row = self.permitted("update")
        return Response({"backup": self.brief(backups.update(backup=row, values=self.parse(request, "backup")))})

    def remove(self, row: Backup) -> None:
        backups.delete(context=self.caller, backup=row)


class BackupRestoreView(_BackupView):
    """Write a backup to a volume, or to a new one."""

    request_serializers = {"post": serializers.Restore}
    examples = {"POST": {"restore": {"name": "again"}}}

    def post(self, request: Request, backup_id: str) -> Response:
        row = self.backup(backup_id, RULE.format("restore"))
        values = self.parse(request, "restore")
        key = values.get("volume_id")
        if key:
            volume = self.volume(key, RULE.format("restore"))
            backups.restore(context=self.caller, backup=row, volume=volume)
        else:
            volume = self._make(row, values.get("name"))
        document = {"backup_id": str(row.id), "volume_id": str(volume.id), "volume_name": volume.name}
        return Response({"restore": document}, status=202)

    def _make(self, row: Backup, name: str | None) -> Volume:
        """Begin to make a volume of the backup. Its name says so, as in Cinder, unless the caller gives one."""
        self.check("volume:create")
        values = {"backup_id": str(row.id), "name": name or f"restore_backup_{row.id}"}
        volume = volume_requests.resolve(context=self.caller, values=values)
        return volumes.create(context=self.caller, volume=volume)


class BackupRecordView(_BackupView):
    """What another cloud needs to import the backup from the store."""

    def get(self, request: Request, backup_id: str) -> Response:
        row = self.backup(backup_id, RULE.format("export-import"))
        return Response({"backup-record": backup_records.export(backup=row)})


class BackupImportView(_BackupView):
    """Import a backup by its record."""

    request_serializers = {"post": serializers.BackupRecord}
    examples = {"POST": RECORD}

    def post(self, request: Request) -> Response:
        self.check(RULE.format("export-import"))
        values, _ = self.parse(request, "backup-record"), self.project_id
        row = backup_records.import_record(
            context=self.caller, service=values["backup_service"], url=values["backup_url"]
        )
        return Response({"backup": self.brief(row)}, status=201)


class BackupActionView(ActionView, _BackupView):
    """What operators do to a backup."""

    ACTIONS = {"os-reset_status": "reset_status", "os-force_delete": "force_delete"}
    action_serializers = {
        "os-reset_status": serializers.ResetBackupStatus,
        "os-force_delete": metadata_serializers.Nothing,
    }
    examples = {"POST": {"os-reset_status": {"status": "available"}}}

    def post(self, request: Request, backup_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        action, _ = self.asked(request)
        row = self.backup(backup_id, f"volume_extension:backup_admin_actions:{self.ACTIONS[action]}")
        values = self.values(action)
        if action == "os-reset_status":
            if not values:
                raise InvalidInput(reason="a status is missing")
            backups.reset_status(backup=row, **values)
        else:
            backups.delete(context=self.caller, backup=row, force=True)
        return Response(status=202)
