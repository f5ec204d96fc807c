"""What microversions change in requests and answers: each case in the version before, and in the version itself."""

import json
import uuid
from string import Template
from typing import Any

import pytest
from django.db import transaction

from apps.images.models import Image
from apps.volumes.models import Backup, Group, GroupSnapshot, GroupType, Message, Transfer, Volume, VolumeType
from apps.volumes.services import messages
from tests.api.volumes.conftest import refusal

# Version | who | method and path | body | answer in the version before | answer since: a code, how many rows a list
# has, or a key that the document has (not)
CASES = """
3.1 | alice | post /volumes/$volume/action | {"os-volume_upload_image": {"image_name": "i", "protected": 0}} | 400 | 202
3.2 | alice | get /volumes?bootable=perhaps | | 0 rows | 400
3.3 | alice | get /messages | | 404 | 2 rows
3.4 | alice | get /volumes?glance_metadata={'a':'b'} | | 3 rows | 0 rows
3.5 | alice | get /messages?limit=1 | | 2 rows | 1 rows
3.5 | alice | get /messages?sort=colour | | 2 rows | 400
3.7 | admin | get /os-services?binary=cinder-volume | | not cluster | cluster
3.8 | admin | get /manageable_volumes?host=h1@local | | 404 | 503
3.8 | admin | post /manageable_volumes | {} | 404 | 400
3.8 | admin | post /manageable_volumes | {"volume":{"host":"$at","ref":{"source-name":"x"},"bootable":null}} | 404 | 503
3.8 | admin | get /manageable_snapshots?host=h1@local | | 404 | 503
3.9 | alice | put /backups/$backup | {"backup": {"name": "x"}} | 404 | 200
3.10 | alice | get /volumes?group_id=$group | | 3 rows | 1 rows
3.11 | alice | get /group_types | | 404 | 1 rows
3.11 | admin | get /group_types/$kind/group_specs | | 404 | 200
3.12 | alice | get /volumes/summary | | 404 | 200
3.13 | alice | get /groups | | 404 | 1 rows
3.13 | alice | get /volumes/$volume | | not group_id | group_id
3.13 | alice | post /volumes | {"volume": {"size": 1, "group_id": "$missing"}} | 404 | 404
3.14 | alice | get /group_snapshots | | 404 | 2 rows
3.14 | alice | post /groups/action | {"create-from-src": {}} | 404 | 400
3.14 | alice | get /groups/$group | | not source_group_id | source_group_id
3.16 | admin | post /volumes/$volume/action | {"os-migrate_volume": {"cluster": "c"}} | 400 | 400
3.17 | admin | get /os-volume-manage?cluster=c | | 400 | 400
3.18 | admin | get /backups/$backup | | not os-backup-project-attr:project_id | os-backup-project-attr:project_id
3.18 | alice | get /backups/$backup | | not os-backup-project-attr:project_id | not os-backup-project-attr:project_id
3.19 | admin | post /group_snapshots/$taken/action | {"reset_status": {"status": "error"}} | 404 | 202
3.20 | admin | post /groups/$group/action | {"reset_status": {"status": "error"}} | 404 | 202
3.21 | admin | get /volumes/$volume | | not provider_id | provider_id
3.23 | alice | delete /volumes/$volume?force=true | | 202 | 403
3.25 | alice | get /groups/$group?list_volume=1 | | not volumes | volumes
3.26 | admin | put /os-services/failover | {"host": "h1@local"} | 404 | 404
3.28 | admin | get /scheduler-stats/get_pools?name=other | | 1 rows | 0 rows
3.29 | alice | get /group_snapshots?limit=1&sort=name:up | | 2 rows | 400
3.30 | alice | get /snapshots?sort=name | | 400 | 1 rows
3.30 | alice | get /snapshots?sort=display_name | | 1 rows | 1 rows
3.31 | alice | get /volumes?colour=red | | 3 rows | 400
3.32 | admin | put /os-services/get-log | {} | 404 | 404
3.33 | alice | get /resource_filters?resource=volume | | 404 | 1 rows
3.34 | alice | get /volumes?name~=nothing | | 400 | 0 rows
3.35 | admin | get /scheduler-stats/get_pools?volume_type=nothing | | 400 | 404
3.36 | alice | get /volumes/summary | | not metadata | metadata
3.37 | alice | get /backups?sort=name | | 400 | 1 rows
3.38 | admin | post /groups/$group/action | {"enable_replication": {}} | 400 | 400
3.40 | alice | post /volumes/$secret/action | {"revert": {"snapshot_id": "$snapshot"}} | 404 | 202
3.43 | alice | post /backups | {"backup": {"volume_id": "$missing", "metadata": {}}} | 400 | 404
3.45 | alice | get /volumes?with_count=1 | | not count | count
3.46 | alice | post /volumes | {"volume": {"size": 1, "imageRef": "$empty"}} | 400 | 404
3.47 | alice | post /volumes | {"volume": {"backup_id": "$missing"}} | 404 | 404
3.49 | admin | get /os-services?binary=cinder-volume | | not backend_state | backend_state
3.51 | alice | post /backups | {"backup": {"volume_id": "$missing", "availability_zone": "nova"}} | 400 | 404
3.53 | alice | post /volumes | {"volume": {"size": 1, "user_id": "u", "colour": "red"}} | 202 | 400
3.53 | alice | post /volumes | {"volume": {"size": 1, "multiattach": true}} | 400 | 400
3.53 | alice | post /volumes | {"volume": {"size": 1, "multiattach": false}} | 202 | 202
3.53 | alice | put /volumes/$volume | {"volume": {}} | 200 | 400
3.53 | alice | put /volumes/$volume | {"volume": {"colour": "red"}} | 400 | 400
3.54 | alice | post /attachments | {"attachment": {"volume_uuid": "$missing", "mode": "ro"}} | 400 | 404
3.55 | alice | post /volume-transfers | {"transfer": {"volume_id": "$missing", "no_snapshots": true}} | 400 | 404
3.56 | admin | get /backups/$backup | | not user_id | user_id
3.56 | alice | get /backups/$backup | | not user_id | not user_id
3.57 | alice | get /volume-transfers/$transfer | | not accepted | accepted
3.58 | admin | get /groups/$group | | not project_id | project_id
3.58 | admin | get /group_snapshots/$taken | | not project_id | project_id
3.59 | alice | get /volume-transfers?sort=colour&marker=x | | 1 rows | 400
3.59 | alice | get /volume-transfers?limit=0 | | 0 rows | 0 rows
3.60 | alice | get /volumes?created_at=lt:2020-01-01T00:00:00 | | 400 | 0 rows
3.61 | admin | get /volumes/$volume | | not cluster_name | cluster_name
3.62 | admin | get /default-types | | 404 | 0 rows
3.65 | alice | get /volumes/$volume | | not consumes_quota | consumes_quota
3.70 | alice | post /volume-transfers | {"transfer": {"volume_id": "$secret"}} | 400 | 202
3.70 | alice | post /volume-transfers | {"transfer": {"volume_id": "$secret", "no_snapshots": true}} | 400 | 400
3.71 | admin | post /volumes/$volume/action | {"os-extend_volume_completion": {"error": false}} | 404 | 400
3.71 | alice | post /volumes/$volume/action | {"os-extend_volume_completion": {"error": false}} | 403 | 403
"""


@pytest.fixture
def named(alice: Any, make_volume: Any, make_snapshot: Any, secret_type: VolumeType) -> dict[str, str]:
    """One of everything, two messages and two group snapshots. Returns what the cases' words stand for."""
    mine = {"project_id": alice.project_id, "user_id": "u"}
    volume, secret = (make_volume(alice.at("3.0"), **more) for more in ({}, {"volume_type": "secret"}))
    snapshot = make_snapshot(alice, secret)
    kind = GroupType.objects.create(name="kind")
    group = Group.objects.create(name="g", group_type=kind, **mine)
    taken, _ = (GroupSnapshot.objects.create(name=name, group=group, **mine) for name in "ab")
    offered = Volume.objects.create(name="o", size=1, status="awaiting-transfer", group=group, **mine)
    for _ in range(2):
        messages.write(row=offered, event="create volume", text="No room.")
    assert Message.objects.count() == 2
    transfer = Transfer.objects.create(volume=offered, project_id=alice.project_id)
    backup = Backup.objects.create(size=1, volume_id=uuid.uuid4(), status="available", **mine)
    disks = json.dumps([{"boot_index": 0, "snapshot_id": str(uuid.uuid4())}])
    image = Image.objects.create(
        project_id=alice.project_id, status="active", disk_format="qcow2", container_format="bare", size=0,
        checksum="c", os_hash_value="h", properties={"block_device_mapping": disks},
    )  # fmt: skip
    rows = {"kind": kind, "group": group, "taken": taken, "transfer": transfer, "backup": backup, "empty": image}
    keys = {name: str(row.id) for name, row in rows.items()}
    return {
        **keys,
        "volume": volume["id"],
        "secret": secret["id"],
        "snapshot": snapshot["id"],
        "missing": str(uuid.uuid4()),
        "at": "h1@local",
    }


def differs(answer: Any, expected: str) -> str:
    """Return what an answer says instead of what a case expects; "" where it says that."""
    if expected.isdigit():
        if 400 <= answer.status_code < 500:
            refusal(answer)
        return "" if answer.status_code == int(expected) else f"{answer.status_code} {answer.content!r}"
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.content!r}"
    document = answer.json()
    number, _, rows = expected.partition(" ")
    found = next(iter(document.values()))
    if rows == "rows":
        return "" if len(found) == int(number) else f"{len(found)} rows"
    keys = {*document, *(found[0] if isinstance(found, list) else found)}
    return "" if (expected.removeprefix("not ") in keys) is not expected.startswith("not ") else str(sorted(keys))


def test_before_and_since(alice: Any, admin: Any, named: dict[str, str]) -> None:
    """All cases, each of which is undone: the whole of them costs less than each for itself."""
    people, found = {"alice": alice, "admin": admin}, []
    for case in CASES.strip().splitlines():
        version, who, call, body, *expected = (cell.strip() for cell in case.split("|"))
        method, path = Template(call).substitute(named).split(" ", 1)
        sent = json.loads(Template(body).substitute(named)) if body else None
        for asked, wanted in zip((f"3.{int(version[2:]) - 1}", version), expected, strict=True):
            with transaction.atomic():
                answer = people[who].at(asked).call(method, path, sent)
                transaction.set_rollback(True)
            if difference := differs(answer, wanted):
                found.append(f"{asked} {method} {path} {sent}: {wanted} expected, {difference}")
    assert not found, "\n".join(found)
