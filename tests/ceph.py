"""A Ceph cluster of the tests': one monitor, one OSD (or three) in memory, no manager. It is up after a second."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.cloud import wait_for

PROGRAMS = ("ceph-mon", "ceph-osd", "monmaptool", "ceph", "radosgw")
USER = "celerity"
POOL = "volumes"
_OSD = {"mon": "allow profile osd", "osd": "allow *", "mgr": "allow profile osd"}
_CAPS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    f"client.{USER}": {"mon": "profile rbd", "osd": f"profile rbd pool={POOL}"},
    "client.gateway": {"mon": "allow rw", "osd": "allow rwx"},
    **{f"osd.{number}": _OSD for number in range(3)},
}
_CONF = """[global]
fsid = {fsid}
mon_host = [v2:{address}:{port}]
mon_initial_members = a
public_network = {address}/32
ms_bind_msgr1 = false
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_autoscale_mode = off
osd_pool_default_pg_num = 1
[mon]
mon_data = {root}/mon
mon_data_avail_warn = 2
mon_data_avail_crit = 1
mon_memory_autotune = false
mon_rocksdb_options = write_buffer_size=8388608,compression=kNoCompression
paxos_propose_interval = 0.05
[osd]
osd_data = {root}/osd.$id
run_dir = {root}
pid_file = {root}/osd.$id.pid
log_file = {root}/osd.$id.log
admin_socket = {root}/osd.$id.asok
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_memory_target = 939524096
osd_op_num_shards = 1
osd_op_num_threads_per_shard = 2
[mon.a]
run_dir = {root}
pid_file = {root}/mon.pid
log_file = {root}/mon.log
admin_socket = {root}/mon.asok
[client.admin]
keyring = {root}/admin.keyring
[client.gateway]
keyring = {root}/gateway.keyring
run_dir = {root}
pid_file = {root}/gateway.pid
log_file = {root}/gateway.log
admin_socket = {root}/gateway.asok
rgw_data = {root}
rgw_rados_pool_pg_num_min = 1
rgw_thread_pool_size = 8
rgw_enable_usage_log = false
rgw_run_sync_thread = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_dynamic_resharding = false
rgw_override_bucket_index_max_shards = 1
rgw_gc_max_objs = 1
rgw_lc_max_objs = 1
rgw_objexp_gc_interval = 86400
"""


def missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def running(directory: str = "/tmp") -> Iterator[CephCluster]:
    """A cluster below a directory with a short path, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="cly-c", dir=directory) as path:
        cluster = CephCluster(Path(path))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


class CephCluster:
    """Below a directory with a short path: sockets are in it."""

    def __init__(self, root: Path, address: str = "127.0.0.1") -> None:
        self.root, self.address = root, address
        self.conf, self.keyring = root / "ceph.conf", root / f"{USER}.keyring"
        self._osds = range(0)
        self._keys = {name: _new_key() for name in _CAPS}

    @property
    def options(self) -> dict[str, Any]:
        """The driver's."""
        return {"ceph_pool": POOL, "ceph_conf": self.conf, "ceph_user": USER, "ceph_keyring": self.keyring}

    def start(self, quota_gib: int = 100, osds: int = 1) -> None:
        """With three OSDs each block is on all of them, and two are enough to go on."""
        self._osds = range(osds)
        for name in ("mon", *(f"osd.{number}" for number in self._osds)):
            (self.root / name).mkdir()
        fsid, port = str(uuid.uuid4()), _free_port()
        self.conf.write_text(_CONF.format(fsid=fsid, address=self.address, port=port, root=self.root))
        rings = {f"osd.{number}/keyring": [f"osd.{number}"] for number in self._osds}
        for file, names in {"all.keyring": [*_CAPS], "admin.keyring": ["client.admin"], **rings}.items():
            self._write_keys(self.root / file, names)
        self._write_keys(self.keyring, [f"client.{USER}"])
        monmap = str(self.root / "monmap")
        address = ("--addv", "a", f"[v2:{self.address}:{port}]", "--fsid", fsid, "--enable-all-features")
        _run("monmaptool", "--create", *address, "--set-min-mon-release", "pacific", monmap)
        ring = str(self.root / "all.keyring")
        self._program("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", ring)
        self.start_monitor()
        for number in self._osds:
            osd, secret = str(uuid.uuid4()), {"cephx_secret": self._keys[f"osd.{number}"]}
            self.ask("osd", "new", osd, "-i", "-", data=json.dumps(secret))
            self._program("ceph-osd", "-i", str(number), "--mkfs", "--osd-uuid", osd)
            self.start_osd(number)
        self.ask("osd", "set-require-min-compat-client", "mimic")
        self.ask("osd", "pool", "create", POOL, "4")
        self.ask("osd", "pool", "application", "enable", POOL, "rbd")
        self.ask("osd", "pool", "set-quota", POOL, "max_bytes", str(quota_gib << 30))
        if osds > 1:
            self.ask("osd", "pool", "set", POOL, "size", str(osds))
            self.ask("osd", "pool", "set", POOL, "min_size", "2")
        deadline = time.monotonic() + 30
        while json.loads(self.ask("osd", "stat"))["num_up_osds"] < osds:
            assert time.monotonic() < deadline, (self.root / "osd.0.log").read_text()[-2000:]

    def start_gateway(self) -> dict[str, str]:
        """Start an S3 server, and return the options of a store of backups with a user of it. It needs four seconds."""
        port = _free_port()
        self._write_keys(self.root / "gateway.keyring", ["client.gateway"])
        front = f"beast endpoint={self.address}:{port}"
        self._program("radosgw", "--name", "client.gateway", "--rgw-frontends", front)
        user = ("user", "create", "--uid", "backups", "--display-name", "Backups")
        keys = ("--access-key", "access", "--secret", "a secret of S3")
        _run("radosgw-admin", "--conf", str(self.conf), "--name", "client.gateway", *user, *keys)
        url = f"http://{self.address}:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
            except OSError:
                assert time.monotonic() < deadline, (self.root / "gateway.log").read_text()[-2000:]
                time.sleep(0.05)
            else:
                return {"s3_endpoint": url, "s3_access_key": "access", "s3_secret_key": "a secret of S3"}

    def start_osd(self, number: int) -> None:
        self._program("ceph-osd", "-i", str(number))

    def start_monitor(self) -> None:
        self._program("ceph-mon", "-i", "a")

    def kill(self, name: str) -> None:
        """Kill the monitor ("mon") or an OSD ("osd.0")."""
        path = self.root / f"{name}.pid"
        with suppress(OSError, ValueError):
            pid = int(path.read_text())
            os.kill(pid, signal.SIGKILL)
            while "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.02)
        path.unlink(missing_ok=True)

    def stop(self) -> None:
        for name in ("gateway", *(f"osd.{number}" for number in self._osds), "mon"):
            self.kill(name)

    def ask(self, *words: str, data: str = "") -> str:
        """Run the command `ceph` as its administrator."""
        argv = ["ceph", "--conf", str(self.conf), "--connect-timeout", "20", "--format", "json", *words]
        return _run(*argv, data=data)

    def be_full(self, ratio: float) -> None:
        """Let the cluster be full beyond this part of its memory, and wait until it is, or is not, now (1)."""
        for kind in ("nearfull", "backfillfull", "full"):
            self.ask("osd", f"set-{kind}-ratio", str(ratio))
        wait_for(lambda: self.is_full() == (ratio < 1), what=f"a cluster that is full at {ratio}", seconds=60)

    def is_full(self) -> bool:
        """Return whether the monitors hold the pool for full: clients wait with what they write."""
        return any(
            "full" in row["flags_names"].split(",") for row in json.loads(self.ask("osd", "pool", "ls", "detail"))
        )

    def used(self) -> tuple[int, int]:
        """Return the bytes that the first OSD has used, and all that it has."""
        counted = json.loads(self.ask("tell", "osd.0", "perf", "dump", "osd"))["osd"]
        return int(counted["stat_bytes_used"]), int(counted["stat_bytes"])

    def rbd(self, *words: str) -> str:
        """Run the command `rbd` in the pool as its administrator."""
        return _run("rbd", "--conf", str(self.conf), "--pool", POOL, *words)

    def rados(self, *words: str) -> str:
        """Run the command `rados` in the pool as its administrator."""
        return _run("rados", "--conf", str(self.conf), "--pool", POOL, *words)

    def cut_removal(self, name: str, *, listed: bool = False, state: int = 0, source: int = 3) -> str:
        """Do what librbd has done of an image's removal when it is killed; return the image's id.

        ``listed``: before it takes the name out of the directory. ``state``: 1 on its way to the trash, 0 there.
        ``source``: 3 librbd's own removal, which lists it nowhere; 0 what asked for the trash.
        """
        key, notes = str(json.loads(self.rbd("info", "--format", "json", name))["id"]), self.root / "notes"
        notes.mkdir(exist_ok=True)
        names = (f"name_{name}", f"id_{key}")
        for item in names:
            self.rados("getomapval", "rbd_directory", item, str(notes / item))
        self.rbd("trash", "mv", name)
        self.rados("getomapval", "rbd_trash", f"id_{key}", str(notes / "trash"))
        text = bytearray((notes / "trash").read_bytes())
        text[6], text[-1] = source, state
        (notes / "trash").write_bytes(text)
        self.rados("setomapval", "rbd_trash", f"id_{key}", "--input-file", str(notes / "trash"))
        for item in names if listed else ():
            self.rados("setomapval", "rbd_directory", item, "--input-file", str(notes / item))
        return key

    def _program(self, *argv: str) -> None:
        _run(argv[0], "--conf", str(self.conf), *argv[1:])

    def _write_keys(self, path: Path, names: Sequence[str] | dict[str, Any]) -> None:
        text = ""
        for name in names:
            text += f"[{name}]\n\tkey = {self._keys[name]}\n"
            text += "".join(f'\tcaps {kind} = "{caps}"\n' for kind, caps in _CAPS[name].items())
        path.write_text(text)
        path.chmod(0o600)


def _new_key() -> str:
    return base64.b64encode(struct.pack("<hIIh", 1, int(time.time()), 0, 16) + os.urandom(16)).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*argv: str, data: str = "") -> str:
    done = subprocess.run(argv, input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (argv, done.stdout[-1000:], done.stderr[-2000:])
    return done.stdout
