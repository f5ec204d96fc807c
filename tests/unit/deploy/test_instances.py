"""Private services start again after any kill and after any interrupted start."""

from pathlib import Path

import psycopg2
import pytest
import redis

from deploy import first_image
from deploy.testrun import Services, move_port

pytestmark = pytest.mark.processes


def ask(services: Services) -> int:
    connection = psycopg2.connect(services.postgresql.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'")
        (found,) = cursor.fetchone()
    connection.close()
    return found


def test_both_come_back_after_a_kill(own_services: Services) -> None:
    connection = psycopg2.connect(own_services.postgresql.url)
    connection.autocommit = True
    connection.cursor().execute("CREATE TABLE kept (id int)")
    own_services.postgresql.kill()
    own_services.redis.kill()
    assert own_services.postgresql.pid() is None
    own_services.postgresql.start()
    own_services.redis.start()
    assert ask(own_services) == 1
    assert redis.Redis.from_url(own_services.redis.url).ping()


def test_a_reused_process_id_in_the_pid_file_is_nobody(own_services: Services) -> None:
    server = own_services.postgresql
    lock = (server.data / "postmaster.pid").read_text().splitlines()
    server.kill()
    (server.data / "postmaster.pid").write_text("\n".join(["1", *lock[1:]]) + "\n")
    assert server.pid() is None
    server.start()
    assert ask(own_services) == 0


def test_half_an_initdb_is_made_anew(own_services: Services) -> None:
    server = own_services.postgresql
    server.stop()
    (server.data / "PG_VERSION").unlink()
    (server.directory / "data.new").mkdir()
    server.start()
    assert ask(own_services) == 0
    assert not (server.directory / "data.new").exists()


def test_starting_twice_is_once(own_services: Services) -> None:
    before = own_services.postgresql.pid(), own_services.redis.pid()
    own_services.postgresql.start()
    own_services.redis.start()
    assert (own_services.postgresql.pid(), own_services.redis.pid()) == before


def test_a_wrong_password_is_refused(own_services: Services) -> None:
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(own_services.postgresql.url.replace("celerity:", "celerity:x"))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(own_services.redis.url.replace("redis://:", "redis://:x")).ping()


def test_a_port_is_moved_in_the_url() -> None:
    moved = move_port("redis://:pw@127.0.0.1:16379/0")
    assert moved.startswith("redis://:pw@127.0.0.1:")
    assert moved.endswith("/0")
    assert ":16379" not in moved


def test_an_image_without_its_stamp_is_not_whole(tmp_path: Path) -> None:
    image = tmp_path / "tiny-x.qcow2"
    image.touch()
    assert not first_image.is_whole(image)
    image.with_name("tiny-x.qcow2.stamp").touch()
    assert first_image.is_whole(image)
