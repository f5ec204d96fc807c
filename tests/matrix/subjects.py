"""What the matrix does with the subjects of each kind: make one, see its state, see what it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.workflow import catalogue
from tests.cloud import Cloud
from tests.matrix import volumes


@dataclass(frozen=True)
class Kind:
    """``make`` requests one and returns its ID. ``settled`` waits until no run works on it and returns its state;
    ``usual`` is that of a new one. ``is_gone`` says whether it is deleted. ``check`` asserts what it holds: nothing
    where the last argument says that it is gone. ``clear`` deletes all.
    """

    usual: str
    make: Callable[[Cloud, str], str]
    settled: Callable[[Cloud, str], str]
    is_gone: Callable[[Cloud, str], bool]
    check: Callable[[Cloud, str, bool], None]
    clear: Callable[[Cloud], None]


def _check_server(cloud: Cloud, key: str, is_gone: bool) -> None:
    """It holds capacity on its host only, and while it waits to be confirmed on the host that it came from."""
    claimed = cloud.rows(
        "SELECT h.name FROM scheduling_allocation a JOIN scheduling_host h ON h.id = a.host_id"
        " WHERE a.consumer_id = %s OR a.consumer_id IN (SELECT uuid FROM compute_migration WHERE server_id = %s)",
        key, key,
    )  # fmt: skip
    server = cloud.server(key)
    host = None if is_gone or server is None else server["OS-EXT-SRV-ATTR:host"]  # none, if it is shelved
    expected = [(host,)] if host else []
    expected += cloud.rows("SELECT source FROM compute_migration WHERE server_id = %s AND status = 'finished'", key)
    assert sorted(claimed) == sorted(expected)


KINDS = {
    "server": Kind(
        usual="ACTIVE",
        make=lambda cloud, name: cloud.create(name),
        settled=lambda cloud, key: str(cloud.settled(key)["status"]),
        is_gone=lambda cloud, key: cloud.server(key) is None,
        check=_check_server,
        clear=lambda cloud: cloud.delete_all(),
    ),
    "volume": Kind(
        usual="available",
        make=volumes.begin,
        settled=lambda cloud, key: volumes.settled(cloud, "volumes_volume", key),
        is_gone=lambda cloud, key: volumes.is_gone(cloud, "volumes_volume", key),
        check=volumes.check,
        clear=volumes.clear,
    ),
    "backup": Kind(
        usual="available",
        make=volumes.begin_backup,
        settled=lambda cloud, key: volumes.settled(cloud, "volumes_backup", key),
        is_gone=lambda cloud, key: volumes.is_gone(cloud, "volumes_backup", key),
        check=volumes.check_backup,
        clear=volumes.clear,
    ),
    "snapshot": Kind(
        usual="available",
        make=volumes.begin_snapshot,
        settled=lambda cloud, key: volumes.settled(cloud, "volumes_snapshot", key),
        is_gone=lambda cloud, key: volumes.is_gone(cloud, "volumes_snapshot", key),
        check=lambda cloud, key, is_gone: None,
        clear=volumes.clear,
    ),
}


def kind_of(pipeline: str) -> Kind:
    name = catalogue.get(pipeline).subject
    assert name in KINDS, f"KINDS does not say what a {name} is, the subject of {pipeline}"
    return KINDS[name]
