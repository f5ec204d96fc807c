"""CELERITY_VOLUME_BACKENDS as it is written."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from cloud import volume_backends


def test_all_kinds() -> None:
    assert volume_backends.read(
        ["local", "ssd=local:/srv/ssd", " nfs=shared:/srv/v", "ceph", "fast=ceph:fast.pool"]
    ) == {
        "local": {"kind": "local", "path": ""},
        "ssd": {"kind": "local", "path": "/srv/ssd"},
        "nfs": {"kind": "shared", "path": "/srv/v"},
        "ceph": {"kind": "ceph", "path": "volumes"},
        "fast": {"kind": "ceph", "path": "fast.pool"},
    }


@pytest.mark.parametrize(
    "texts",
    [
        ["ssd"], ["local=local:/srv"], ["a=local:srv"], ["a=ceph:/srv"], ["a=ceph:"], ["a=tape:/x"], ["Ä"], [""],
        ["local", "local"], ["a=local:/x", "b=shared:/x/"], ["ceph", "again=ceph:volumes"],
    ],
)  # fmt: skip
def test_what_is_refused(texts: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured):
        volume_backends.read(texts)
