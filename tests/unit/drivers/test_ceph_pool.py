"""What the process that works on a Ceph pool does in a full one. There is no cluster: its libraries are stood for."""

import errno
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from workers.system.ceph.calls import PROGRAM


class Failed(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.errno = number


class Absent(Exception):
    pass


class Held(Exception):
    pass


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The service's module `pool`, with libraries whose objects take anything."""
    rados, rbd = MagicMock(Error=Failed, ObjectNotFound=Absent, ObjectBusy=Held, ObjectExists=Held), MagicMock()
    rbd.ImageNotFound, rbd.ImageHasSnapshots = Absent, type("HasSnapshots", (Exception,), {})
    for name, stand_in in (("rados", rados), ("rbd", rbd)):
        monkeypatch.setitem(sys.modules, name, stand_in)
    monkeypatch.syspath_prepend(str(Path(PROGRAM)))
    for name in ("pool", "directory"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("pool")
    for name in ("pool", "directory"):
        sys.modules.pop(name, None)


@pytest.fixture
def pool(module: ModuleType) -> Any:
    pool = module.Pool("conf", "user", "volumes", "cloud")
    pool.io.set_osdmap_full_try.assert_called_once_with()
    return pool


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_locks_of_a_full_pool(pool: Any, number: int) -> None:
    """What removes needs none that is not there."""
    pool.io.lock_exclusive.side_effect = Failed(number)
    with pytest.raises(Failed), pool.locked("a"):
        pass
    with pool.locked("a", removing=True):
        pass
    pool.io.unlock.assert_not_called()
    pool.io.lock_exclusive.side_effect = Failed(errno.ETIMEDOUT)
    with pytest.raises(Failed), pool.locked("a", removing=True):
        pass


def test_a_removal_that_did_not_happen(pool: Any, module: ModuleType) -> None:
    """librbd finds no trash, and says what it says of an image that is gone. Each image that is made has one made."""
    pool.rbd.trash_move.side_effect, directory = Absent, pool.io.get_omap_vals_by_keys
    directory.return_value = [("name_volume-1", b"\x02\0\0\0id")], 0
    for flags, kind in (("full", "full"), ("hashpspool", "unavailable")):
        row = {"pool_name": "volumes", "quota_max_bytes": 0, "flags_names": flags}
        pool.cluster.mon_command.return_value = 0, json.dumps([row]), ""
        with pytest.raises(module.Refused) as refused:
            pool.remove("volume-1")
        assert refused.value.kind == kind
    directory.return_value = [], 0
    pool.remove("volume-1")
    pool.io.remove_object.assert_called_once_with("rbd_id.volume-1")
    pool.rbd.remove.assert_called_once_with(pool.io, "volume-1")  # one that was begun and cut short is ended
    pool.mark("volume-2")
    assert pool.io.operate_write_op.call_args.args[1] == module.TRASH
