"""`make backup` says what is not in the archive."""

from pathlib import Path

import pytest

from deploy import backup
from deploy.environment import Environment

OTHERS = {
    "CELERITY_VOLUME_BACKENDS": "local, ssd=/srv/ssd,ceph",
    "CELERITY_ROOT_STORE": "ceph",
    "CELERITY_IMAGE_STORE": "ceph",
    "CELERITY_BACKUP_STORE": "s3://user:secret@bucket/prefix",
}
ELSEWHERE = [
    "volumes of the back end ssd=/srv/ssd",
    "volumes of the back end ceph",
    "servers' disks in ceph",
    "images in ceph",
    "backups of volumes in s3://bucket/prefix",
]


@pytest.mark.parametrize(
    ("values", "guests", "expected"),
    [
        ({}, True, []),
        ({}, False, ["volumes of the back end local", "backups of volumes in file:///state/volume-backups"]),
        ({"CELERITY_BACKUP_STORE": "file:///state/volume-backups"}, True, []),
        (OTHERS, True, ELSEWHERE),
        (OTHERS, False, ["volumes of the back end local", *ELSEWHERE]),
    ],
)
def test_places(values: dict[str, str], guests: bool, expected: list[str]) -> None:
    assert backup.left_out(Environment(Path("/state"), values), guests=guests) == expected
