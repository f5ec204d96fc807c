"""`make backup` and `make restore`: a running cloud is written to a file, and comes back elsewhere."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from deploy import first_server
from deploy.environment import read_file
from deploy.instances.postgresql import PostgreSQL
from deploy.instances.redis import Redis
from deploy.testrun import PREFIX, Services, move_port, root_of_states
from tests.cloud import ROOT, Cloud, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.slow]
HOSTS = {"CELERITY_HOSTS": "2"}


def new_state() -> Path:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    state.chmod(0o755)
    return state


class Restored(Services):
    """The services of a state directory that was restored: what its celerity.env says."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.environment |= read_file(state / "celerity.env")
        self.postgresql = PostgreSQL(state / "postgresql", self.environment["CELERITY_DATABASE_URL"], durable=False)
        self.redis = Redis(state / "redis", self.environment["CELERITY_BROKER_URL"])


def run(module: str, environment: dict[str, str], **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", f"deploy.{module}"],
        cwd=ROOT, env={**environment, **more}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def bare(state: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who restores: none of the old cloud's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CELERITY_")}
    return {**kept, "CELERITY_STATE_DIR": str(state), **more}


@pytest.fixture
def fresh() -> Iterator[Path]:
    state = new_state()
    yield state
    shutil.rmtree(state, ignore_errors=True)


@contextmanager
def starting() -> Iterator[Cloud]:
    with Services(new_state()) as services:
        kept = {**services.environment, **HOSTS}
        del kept["CELERITY_STATE_DIR"]
        lines = "".join(f"{key}={value}\n" for key, value in sorted(kept.items()))
        (services.state / "celerity.env").write_text(lines)
        with Cloud(services, **HOSTS) as cloud:
            yield cloud


@pytest.fixture(scope="module")
def shared() -> Iterator[Cloud]:
    """One cloud for the tests that leave it running, and for the last one, which stops it."""
    with starting() as cloud:
        yield cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with starting() as cloud:
        yield cloud


def download(cloud: Cloud, image: str) -> str:
    response = cloud.call("GET", f"/image/v2/images/{image}/file", admin=True)
    assert response.status_code == 200
    return hashlib.sha512(response.content).hexdigest()


def stop(cloud: Cloud) -> None:
    for name in ("front", "api", "scheduler", "beat", "agent"):
        cloud.kill(name, restart=False)
    cloud.services.redis.stop()
    cloud.services.postgresql.stop()


@pytest.mark.heavy
def test_a_database_of_ones_own(shared: Cloud, fresh: Path, tmp_path: Path) -> None:
    """Named by any other host name than 127.0.0.1 it is somebody else's server: neither started nor stopped."""
    target, url = tmp_path / "cloud.tar", shared.environment["CELERITY_DATABASE_URL"].replace("127.0.0.1", "localhost")
    said = run("backup", shared.environment, TO=str(target), CELERITY_DATABASE_URL=url)
    assert said.returncode == 0, said.stdout + said.stderr
    said = run("restore", bare(fresh, CELERITY_DATABASE_URL=url), FROM=str(target))
    assert said.returncode == 1
    assert "must be empty" in said.stderr
    assert not (fresh / "celerity.env").exists(), "a restore that failed leaves nothing"
    with shared.database() as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE empty")
    other = url.rpartition("/")[0] + "/empty"
    said = run("restore", bare(fresh, CELERITY_DATABASE_URL=other), FROM=str(target))
    assert said.returncode == 0, said.stdout + said.stderr
    assert not (fresh / "postgresql").exists()
    assert read_file(fresh / "celerity.env")["CELERITY_DATABASE_URL"] == other
    session = psycopg2.connect(other)
    with session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM identity_user")
        assert cursor.fetchone() == (shared.rows("SELECT count(*) FROM identity_user")[0][0],)
    session.close()
    said = run("restore", bare(fresh, CELERITY_DATABASE_URL=other), FROM=str(target))
    assert said.returncode == 1 and "already contains a cloud" in said.stderr


def test_what_cannot_go_well_is_said(shared: Cloud, fresh: Path, tmp_path: Path) -> None:
    target = tmp_path / "cloud.tar"
    assert "make backup TO=" in run("backup", shared.environment, TO="").stderr
    assert "There is no directory" in run("backup", shared.environment, TO=str(tmp_path / "no" / "x.tar")).stderr
    assert "There is no cloud in" in run("backup", bare(fresh), TO=str(target)).stderr
    shared.image("lost")
    [(sha512,)] = shared.rows("SELECT os_hash_value FROM images_image WHERE name = 'lost'")
    (shared.state / "images" / "blobs" / sha512).unlink()
    assert shared.call("POST", "/identity/v3/credentials", credential(shared), admin=True).status_code == 201
    keys = (shared.state / "credential-keys").rename(shared.state / "elsewhere")
    said = run("backup", shared.environment, TO=str(target))
    assert said.returncode == 0 and f"not in the backup: {sha512[:16]}" in said.stdout
    keys.rename(shared.state / "credential-keys")
    assert "credential-keys, without which 1 rows cannot be read" in said.stdout
    assert "exists already" in run("backup", shared.environment, TO=str(target)).stderr

    assert "There is no file" in run("restore", bare(fresh), FROM=str(tmp_path / "none.tar")).stderr
    free = {"CELERITY_DATABASE_URL": move_port(shared.environment["CELERITY_DATABASE_URL"])}
    for change, words in ((cut, "damaged or truncated"), (flip, "The backup is damaged"), (lie, "a newer Celerity")):
        broken = tmp_path / f"{change.__name__}.tar"
        shutil.copy(target, broken)
        change(broken)
        said = run("restore", bare(fresh, **free), FROM=str(broken))
        assert said.returncode == 1 and words in said.stderr, (change, said.stderr)
        assert [path.name for path in fresh.iterdir()] == ["run"], "nothing is left"
    assert shared.call("DELETE", f"/image/v2/images/{shared.image('lost')}", admin=True).status_code == 204


def test_a_running_cloud_comes_back(shared: Cloud, fresh: Path, tmp_path: Path) -> None:
    """The last test of the shared cloud, which it stops."""
    cloud = shared
    image, target = cloud.image("kept"), tmp_path / "cloud.tar"
    done = [cloud.settled(cloud.create(f"done-{index}"))["id"] for index in range(3)]
    digest = download(cloud, image)
    secret = cloud.call("POST", "/identity/v3/credentials", credential(cloud), admin=True).json()["credential"]
    _, public = first_server.key_pair(cloud.state)
    cloud.plan(spawn=30.0)
    flying = [cloud.create(f"flying-{index}") for index in range(4)]
    said = run("backup", cloud.environment, TO=str(target))
    assert said.returncode == 0, said.stdout + said.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    assert not list((cloud.state / "images").glob("backup-*"))
    with tarfile.open(target) as tar:
        assert tar.getnames()[0] == "manifest.json"
    token, listen = cloud.token, cloud.environment["CELERITY_LISTEN"]
    stop(cloud)

    said = run("restore", bare(fresh), FROM=str(target))
    assert said.returncode == 0, said.stdout + said.stderr
    assert (fresh / "celerity.env").stat().st_mode & 0o777 == 0o600
    assert (fresh / "fernet-keys").stat().st_mode & 0o777 == 0o700
    private, again = first_server.key_pair(fresh)
    assert (again, private.stat().st_mode & 0o777) == (public, 0o600), "the key that servers know"
    with Restored(fresh) as services, Cloud(services) as back:  # signs in with the old passwords
        assert back.environment["CELERITY_LISTEN"] == listen
        listed = back.call("GET", "/compute/v2.1/servers", headers={"X-Auth-Token": token})
        assert listed.status_code == 200, "a token of before the backup"
        assert {*done, *flying} <= {one["id"] for one in listed.json()["servers"]}
        assert download(back, image) == digest
        again = back.call("GET", f"/identity/v3/credentials/{secret['id']}", admin=True).json()["credential"]
        assert again["blob"] == secret["blob"], "opened with the restored keys"
        # The hosts are new: what was built has no domain any more; what was under way is built.
        for key in (*done, *flying):
            wait_for(lambda key=key: back.settled(key)["status"] in ("SHUTOFF", "ACTIVE"), what="a server at rest")
        assert {back.settled(key)["status"] for key in flying} == {"ACTIVE"}
        wait_for(lambda: back.settled(done[0])["status"] == "SHUTOFF", what="the lost domain seen")
        # Guests' disks were not in it: `celerity consistency` reports just that.
        missing = {("files", key) for key in done}
        wait_for(
            lambda: {(one["kind"], one["what"]) for one in back.inconsistencies()} == missing,
            what="nothing but missing disks",
        )
        back.delete_all()
        back.assert_clean()


def credential(cloud: Cloud) -> dict[str, object]:
    [(user,)] = cloud.rows("SELECT id FROM identity_user WHERE name = 'admin'")
    return {"credential": {"type": "cert", "blob": "a secret of a user's", "user_id": user}}


@pytest.mark.heavy
def test_guests_come_along_when_the_cloud_is_down(cloud: Cloud, fresh: Path, tmp_path: Path) -> None:
    key, target = cloud.settled(cloud.create("guest"))["id"], tmp_path / "cloud.tar"
    stop(cloud)
    verified = Path("hosts", "far", "images", "bits")  # a host knows what it has verified by size and time
    (cloud.state / verified).parent.mkdir(parents=True)
    (cloud.state / verified).write_bytes(b"bits")
    os.utime(cloud.state / verified, ns=(1_700_000_000_123_456_789,) * 2)
    said = run("backup", cloud.environment, TO=str(target), GUESTS="1")  # starts the database, and stops it again
    assert said.returncode == 0, said.stdout + said.stderr
    assert cloud.services.postgresql.pid() is None
    said = run("restore", bare(fresh), FROM=str(target))
    assert said.returncode == 0, said.stdout + said.stderr
    assert (fresh / verified).stat().st_mtime_ns == 1_700_000_000_123_456_789
    with Restored(fresh) as services, Cloud(services) as back:
        assert back.settled(key)["status"] == "ACTIVE"
        back.assert_clean()
        assert not back.rows("SELECT 1 FROM workflow_finding")
        assert back.settled(key)["status"] == "ACTIVE"


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    with tarfile.open(path) as tar:
        place = tar.getmember("database.dump").offset_data + 2000
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))


def lie(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"workflow.0001_initial", b"workflow.9001_initial", 1))
