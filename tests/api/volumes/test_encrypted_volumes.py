"""Encrypted volumes over HTTP: what their type makes of them, whose key a copy has, and what is refused in words."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.exceptions import Unavailable
from apps.images.exceptions import ReservedAttribute
from apps.images.models import Image
from apps.images.services import images
from apps.volumes.exceptions import InvalidVolume
from apps.volumes.models import Backup, EncryptionType, Snapshot, Volume, VolumeKey, VolumeType
from apps.volumes.services import (
    backup_states,
    bootstrap,
    managing,
    snapshot_states,
    volume_keys,
    volume_migrations,
    volume_states,
)
from apps.workflow.models import Run
from tests.api.volumes.conftest import end_runs, refusal
from workers.consistency import check


def key_of(row: Any) -> VolumeKey:
    return VolumeKey.objects.get(volume_id=row["id"], is_next=False)


@pytest.fixture
def secret(alice: Any, make_volume: Any, secret_type: VolumeType) -> Any:
    return make_volume(alice, volume_type="secret", size=2)


def test_a_volume_has_a_key(alice: Any, admin: Any, secret: Any, make_volume: Any) -> None:
    assert secret["encrypted"] and "encryption_key_id" not in secret
    key = key_of(secret)
    path = f"/volumes/{secret['id']}"
    assert alice.at("3.64").get(path).json()["volume"]["encryption_key_id"] == str(key.id)
    plain = make_volume(alice)
    assert "encryption_key_id" not in alice.at("3.64").get(f"/volumes/{plain['id']}").json()["volume"]
    assert alice.get(f"/volumes/{plain['id']}/encryption").json() == {"encryption_key_id": None}
    shown = alice.get(f"{path}/encryption").json()
    assert shown == {
        "encryption_key_id": str(key.id), "provider": "luks", "control_location": "front-end",
        "cipher": "aes-xts-plain64", "key_size": 256,
    }  # fmt: skip
    assert alice.get(f"{path}/encryption/key_size").json() == {"key_size": 256}
    attached = alice.at("3.27").post(
        "/attachments", {"attachment": {"volume_uuid": secret["id"], "connector": {"host": "h1"}}}
    )
    assert attached.json()["attachment"]["connection_info"]["encrypted"] is True
    passphrase = volume_keys.passphrase_of(key)
    assert len(passphrase) == 64 and passphrase not in key.sealed
    for text in (attached.content, alice.get(path).content, str(Run.objects.values_list("params")).encode()):
        assert passphrase.encode() not in text and key.sealed.encode() not in text


def test_rotation_keeps_every_volume_readable(alice: Any, make_volume: Any, secret: Any, volume_keys: Any) -> None:
    before, passphrase = key_of(secret).sealed, volume_keys_text(secret)
    for _ in range(4):  # the key of the beginning is gone
        call_command("volume_key_rotate")
    assert key_of(secret).sealed != before and volume_keys_text(secret) == passphrase
    assert sorted(path.name for path in volume_keys.iterdir()) == ["0", "1", "2", "3", "4", "5"]


def test_a_rotation_that_is_cut_short(
    alice: Any, make_volume: Any, secret: Any, volume_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated, it loses nothing; nor does what was written meanwhile."""
    passphrase, before = volume_keys_text(secret), key_of(secret).sealed
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "bulk_update", lambda *words, **more: 1 / 0)
        for _ in range(4):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                call_command("volume_key_rotate")
    assert volume_keys_text(secret) == passphrase
    call_command("volume_key_rotate")
    VolumeKey.objects.update(sealed=before)  # a copy of the text of before the rotation
    for _ in range(3):
        call_command("volume_key_rotate")
    assert volume_keys_text(secret) == passphrase
    VolumeKey.objects.update(sealed="x" * 100)
    known = sorted(path.name for path in volume_keys.iterdir())
    with pytest.raises(Unavailable, match="1 passphrases cannot be opened"):
        call_command("volume_key_rotate")
    assert sorted(path.name for path in volume_keys.iterdir()) == known


def test_keys_that_were_lost_are_not_made_again(secret: Any, volume_keys: Path) -> None:
    for path in volume_keys.iterdir():
        path.unlink()
    assert not bootstrap.ensure_keys() and list(volume_keys.iterdir()) == []
    VolumeKey.objects.all().delete()
    assert bootstrap.ensure_keys()


def volume_keys_text(row: Any) -> str:
    return volume_keys.passphrase_of(key_of(row))


def test_copies_have_the_key_of_their_source(
    alice: Any, make_volume: Any, make_snapshot: Any, secret: Any, secret_type: VolumeType
) -> None:
    passphrase, snapshot = volume_keys_text(secret), make_snapshot(alice, secret)
    copies = [
        make_volume(alice, source_volid=secret["id"], size=3),
        make_volume(alice, snapshot_id=snapshot["id"], size=2),
    ]
    for copy in copies:
        assert copy["encrypted"] and key_of(copy).id != key_of(secret).id
        assert volume_keys_text(copy) == passphrase
    plain = VolumeType.objects.create(name="plain")
    for source, kind in (("source_volid", secret), ("snapshot_id", snapshot)):
        answer = alice.post("/volumes", {"volume": {source: kind["id"], "volume_type": plain.name}})
        assert refusal(answer)[0] == 400 and "encrypted" in refusal(answer)[1]
    other = make_volume(alice, volume_type="plain")
    answer = alice.post("/volumes", {"volume": {"source_volid": other["id"], "volume_type": "secret"}})
    assert "source volume is not encrypted" in refusal(answer)[1]
    volume_states.mark_deleted(volume_id=uuid.UUID(copies[0]["id"]))
    assert not VolumeKey.objects.filter(volume_id=copies[0]["id"]).exists()
    assert volume_keys_text(secret) == volume_keys_text(copies[1]) == passphrase


def test_backups_have_the_key(alice: Any, admin: Any, make_volume: Any, make_snapshot: Any, secret: Any) -> None:
    made = alice.post("/backups", {"backup": {"volume_id": secret["id"]}}).json()["backup"]
    backup = Backup.objects.get(id=made["id"])
    backup_states.mark_available(backup=backup, objects=1, stored_bytes=1)
    end_runs()
    key = VolumeKey.objects.get(backup=backup)
    assert alice.at("3.64").get(f"/backups/{backup.id}").json()["backup"]["encryption_key_id"] == str(key.id)
    restored = make_volume(alice.at("3.47"), backup_id=str(backup.id), size=2)  # of the type of the volume
    assert restored["volume_type"] == "secret" and volume_keys_text(restored) == volume_keys_text(secret)
    Backup.objects.update(status="available", restoring_id=None)
    plain, other = make_volume(alice, size=2), make_volume(alice, volume_type="secret", size=2)
    restore = f"/backups/{backup.id}/restore"
    assert "new volume" in refusal(alice.post(restore, {"restore": {"volume_id": plain["id"]}}))[1]
    snapshot = make_snapshot(alice, other)
    assert "snapshots" in refusal(alice.post(restore, {"restore": {"volume_id": other["id"]}}))[1]
    snapshot_states.mark_deleted(snapshot_id=uuid.UUID(snapshot["id"]))
    VolumeKey.objects.filter(backup=backup).update(sealed="by keys that are not here")
    assert alice.post(restore, {"restore": {"volume_id": other["id"]}}).status_code == 503
    assert any("do not open it" in item.details for item in check.of_rows())
    VolumeKey.objects.filter(backup=backup).update(sealed=key.sealed)
    copy = Volume.objects.create(project_id="p", user_id="u", size=2, source_volume_id=other["id"])
    assert "is the source of" in refusal(alice.post(restore, {"restore": {"volume_id": other["id"]}}))[1]
    copy.delete()
    assert alice.post(restore, {"restore": {"volume_id": other["id"]}}).status_code == 202
    assert volume_keys_text(other) != volume_keys_text(secret)  # nothing is written yet
    backup_states.mark_restored(backup=Backup.objects.get(id=backup.id))
    assert volume_keys_text(other) == volume_keys_text(secret)
    end_runs()
    record = admin.get(f"/backups/{backup.id}/export_record").json()["backup-record"]
    backup_states.mark_deleted(backup_id=backup.id)
    assert not VolumeKey.objects.filter(backup=backup).exists()
    assert admin.post("/backups/import_record", {"backup-record": record}).status_code == 201
    assert volume_keys.passphrase_of(VolumeKey.objects.get(backup=backup)) == volume_keys_text(secret)


def test_images_have_the_key(alice: Any, admin: Any, make_volume: Any, secret: Any) -> None:
    upload = {"os-volume_upload_image": {"image_name": "x", "disk_format": "raw", "container_format": "bare"}}
    made = alice.post(f"/volumes/{secret['id']}/action", upload).json()["os-volume_upload_image"]
    end_runs()
    image, key = Image.objects.get(id=made["image_id"]), volume_keys.selectors.of_image(image_id=made["image_id"])
    assert image.properties["cinder_encryption_key_id"] == str(key.id) and key.id != key_of(secret).id
    assert image.properties["cinder_encryption_key_deletion_policy"] == "on_image_deletion"
    assert volume_keys.passphrase_of(key) == volume_keys_text(secret)
    size = (2 << 30) + (1 << 20)  # with the header
    Image.objects.update(status="active", size=size, virtual_size=size, os_hash_value="0" * 128)
    copy = make_volume(alice, imageRef=str(image.id), size=2, volume_type="secret")
    assert volume_keys_text(copy) == volume_keys_text(secret) and key_of(copy).image_id == image.id
    assert "cinder_encryption_key_id" not in copy["volume_image_metadata"]
    member = RequestContext(project_id=image.project_id)
    with pytest.raises(ReservedAttribute, match="cinder_encryption_key_id"):
        images.update(context=member, image=image, changes=lambda row: row.properties.clear())
    VolumeType.objects.create(name="plain")
    for words, said in (({"size": 2, "volume_type": "plain"}, "the image is encrypted"), ({"size": 1}, "larger")):
        answer = alice.post("/volumes", {"volume": {"imageRef": str(image.id), "volume_type": "secret", **words}})
        assert refusal(answer)[0] == 400 and said in refusal(answer)[1]
    reimage = {"os-reimage": {"image_id": str(image.id)}}
    assert "encrypted" in refusal(alice.at("3.68").post(f"/volumes/{copy['id']}/action", reimage))[1]
    assert volume_keys.selectors.left() == [] and not volume_keys.discard_left(owner_id=image.id)
    Image.objects.update(deleted_at=image.created_at)
    assert volume_keys.selectors.left(seconds=300) == []
    assert volume_keys.selectors.left() == [image.id] and volume_keys.discard_left(owner_id=image.id)
    assert VolumeKey.objects.filter(volume_id=copy["id"]).exists()
    late = Volume(source_image_id=image.id, encrypted=True, volume_type=VolumeType.objects.get(name="secret"))
    with pytest.raises(InvalidVolume, match="The image was deleted"):
        volume_keys.make(volume=late)  # no new key for what the former one encrypted


def test_a_record_that_another_clouds_keys_open(
    alice: Any, admin: Any, secret: Any, settings: Any, tmp_path: Any
) -> None:
    made = alice.post("/backups", {"backup": {"volume_id": secret["id"]}}).json()["backup"]
    backup_states.mark_available(backup=Backup.objects.get(id=made["id"]), objects=1, stored_bytes=1)
    record = admin.get(f"/backups/{made['id']}/export_record").json()["backup-record"]
    backup_states.mark_deleted(backup_id=uuid.UUID(made["id"]))
    settings.VOLUME_KEY_DIR = tmp_path / "other"
    answer = admin.post("/backups/import_record", {"backup-record": record})
    assert "does not have the keys" in refusal(answer)[1]


def test_refusals(
    alice: Any, admin: Any, make_volume: Any, make_snapshot: Any, secret: Any, shared_type: VolumeType
) -> None:
    image = {"os-volume_upload_image": {"image_name": "x", "disk_format": "qcow2"}}
    assert "encrypted" in refusal(alice.post(f"/volumes/{secret['id']}/action", image))[1]
    assert not Image.objects.exists()
    assert refusal(admin.post(f"/volumes/{secret['id']}/action", {"os-unmanage": {}}))[0] == 400
    snapshot = make_snapshot(alice, secret)
    Snapshot.objects.update(status="available")
    assert "encrypted" in refusal(admin.post(f"/snapshots/{snapshot['id']}/action", {"os-unmanage": {}}))[1]
    EncryptionType.objects.create(volume_type=shared_type, provider="luks")
    answer = alice.post("/volumes", {"volume": {"size": 1, "volume_type": "shared"}})
    assert "several servers" in refusal(answer)[1]
    VolumeKey.objects.all().delete()  # it was made before there were keys
    answer = alice.at("3.27").post("/attachments", {"attachment": {"volume_uuid": secret["id"]}})
    assert "has no key" in refusal(answer)[1]
    assert not VolumeKey.objects.exists()


def test_retype(alice: Any, admin: Any, make_volume: Any, secret: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managing, "_unmanaged_snapshots", lambda volume: [])  # there is no agent to ask
    strong = VolumeType.objects.create(name="strong", extra_specs={"volume_backend_name": "other"})
    EncryptionType.objects.create(volume_type=strong, provider="luks", key_size=512)
    VolumeType.objects.create(name="plain", extra_specs={"volume_backend_name": "other"})
    former, passphrase = key_of(secret), volume_keys_text(secret)

    def retype(kind: str, policy: str) -> Any:
        body = {"os-retype": {"new_type": kind, "migration_policy": policy}}
        return alice.post(f"/volumes/{secret['id']}/action", body)

    for kind in ("strong", "plain"):
        assert "has to migrate" in refusal(retype(kind, "never"))[1]
    row = Volume.objects.get(id=secret["id"])
    assert retype("strong", "on-demand").status_code == 202
    extra = admin.post(f"/types/{strong.id}/extra_specs", {"extra_specs": {"multiattach": "<is> True"}})
    assert "in use" in refusal(extra)[1]
    assert refusal(admin.delete(f"/types/{strong.id}"))[0] == 400
    coming = VolumeKey.objects.get(volume=row, is_next=True)
    assert (coming.key_size, volume_keys.passphrase_of(coming)) == (512, passphrase)
    assert Run.objects.get(subject_id=row.id, state="queued").params[volume_migrations.CHANGES_KEY] == "yes"
    volume_migrations.mark_failed(volume_id=row.id, message="no")
    assert [key.id for key in VolumeKey.objects.filter(volume=row)] == [former.id]
    end_runs()
    assert retype("plain", "on-demand").status_code == 202
    assert not VolumeKey.objects.filter(volume=row, is_next=True).exists()
    assert not volume_keys.switch(volume_id=row.id)
    assert not VolumeKey.objects.filter(volume=row).exists()
