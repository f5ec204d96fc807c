"""Back ends of volumes on this host: their directories are there, and not full."""

import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment

MARK = ".celerity-volumes"
KEYS = "volume-keys"  # of API hosts alone
PROGRAM = "qemu-storage-daemon"
PYTHON = "/usr/bin/python3"  # librados is Debian's
CEPH_SECONDS = 15
_HELP = "docs/volume-storage.md says what a host needs to reach the cluster, and what to do where a pool is full."
_LOOK = """
import json, sys, rados, rbd
conf, user, keyring, pool = sys.argv[1:]
limits = {"client_mount_timeout": "5", "rados_osd_op_timeout": "5"}
cluster = rados.Rados(conffile=conf, rados_id=user, conf={"keyring": keyring, **limits})
cluster.connect()
rbd.RBD().list(cluster.open_ioctx(pool))
command = {"prefix": "osd pool ls", "detail": "detail", "format": "json"}
rows = json.loads(cluster.mon_command(json.dumps(command), b"")[1])
if any(row["pool_name"] == pool and "full" in row["flags_names"].split(",") for row in rows):
    sys.exit("the pool " + pool + " is full: guests that write wait until there is room")
"""


def _ceph(environment: Environment, pool: str) -> str:
    """Return why this host does not reach a pool of the cluster, or that it is full; "" if all is well."""
    values = environment.values
    conf, user = values.get("CELERITY_CEPH_CONF", "/etc/ceph/ceph.conf"), values.get("CELERITY_CEPH_USER", "celerity")
    keyring = values.get("CELERITY_CEPH_KEYRING", f"/etc/ceph/ceph.client.{user}.keyring")
    for path in (conf, keyring):
        if not os.access(path, os.R_OK):
            return f"{path} cannot be read"
    argv = [PYTHON, "-E", "-s", "-c", _LOOK, conf, user, keyring, pool]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=CEPH_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "the cluster does not answer"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["the cluster does not answer"])[-1]


def _stores(environment: Environment) -> tuple[str, list[str]]:
    """Return why this host does not reach the pool of disks or images, "" if it does; and what it reaches."""
    answers = []
    for name, setting in (("servers' disks", "CELERITY_ROOT_STORE"), ("images", "CELERITY_IMAGE_STORE")):
        place = environment.values.get(setting, "local")
        if place not in ("", "local"):
            if problem := _ceph(environment, place.removeprefix("rbd://").rstrip("/")):
                return f"{name}: {problem}", []
            answers.append(f"{name}: the cluster answers")
    return "", answers


def _lost_keys(environment: Environment) -> str:
    """Return what needs the keys that this machine with the API does not have; "" if nothing does, or nobody knows."""
    url = environment.values.get("CELERITY_DATABASE_URL")
    if environment.is_host or url is None or (environment.state / KEYS).is_dir():
        return ""
    import psycopg2

    try:
        with closing(psycopg2.connect(url, connect_timeout=5)) as session, session.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM volumes_volumekey")
            [count] = cursor.fetchone() or (0,)
    except psycopg2.Error:
        return ""
    return (
        f"{environment.state / KEYS} is missing, and {count} passphrases of encrypted volumes need it" if count else ""
    )


def check(environment: Environment) -> Finding:
    if lost := _lost_keys(environment):
        return fail(lost, "Put it back, from a backup or from another machine with the API: nothing else opens them.")
    if environment.simulated:
        return ok("simulated")
    if shutil.which(PROGRAM) is None:
        return fail(f"no {PROGRAM}", "make up installs it: qemu-system-common.")
    if environment.is_host and (environment.state / KEYS).exists():
        return fail(
            f"{environment.state / KEYS} is here, which opens every encrypted volume of the cloud",
            "A host asks the first machine for the keys that it needs. Remove the directory.",
        )
    problem, pools = _stores(environment)
    return fail(problem, _HELP) if problem else _back_ends(environment, pools)


def _back_ends(environment: Environment, pools: list[str]) -> Finding:
    reserve = int(environment.values.get("CELERITY_DISK_RESERVE", "2"))
    for text in environment.values.get("CELERITY_VOLUME_BACKENDS", "local").split(","):
        name, _, rest = text.strip().partition("=")
        kind, _, path = rest.partition(":")
        if kind == "ceph" or text.strip() == "ceph":
            if problem := _ceph(environment, path or "volumes"):
                return fail(f"{name}: {problem}", _HELP)
            pools.append(f"{name}: the cluster answers")
            continue
        place = Path(path) if path else environment.state
        if kind == "shared" and not (os.path.ismount(place) or (place / MARK).exists()):
            return fail(
                f"{name}: {place} is not mounted",
                f"Mount it, or create the file {place / MARK} where the directory is no mount point.",
            )
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free // 1024**3
        if free <= reserve:
            return warn(
                f"{name}: full, {free} GiB free, {reserve} GiB stay free",
                "No volume is made, extended or snapshotted there. Make room, or add a back end.",
            )
        pools.append(f"{name}: {free} GiB free")
    return ok("; ".join(pools))
