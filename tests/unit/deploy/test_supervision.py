"""The supervisor's configuration, as the supervisor itself understands it."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from deploy import processes, secrets
from deploy.environment import Environment, from_process
from deploy.supervision import config, orphans, programs
from deploy.supervision.client import Supervisor
from deploy.supervision.programs import Program


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    for name in from_process():
        monkeypatch.delenv(name)
    found = secrets.ensure(tmp_path)
    found.run.mkdir()
    found.log.mkdir()
    return found


def parse(environment: Environment, text: str) -> dict[str, object]:
    path = environment.run / "supervisord.conf"
    path.write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(path)])
    return {process.name: process for group in options.process_group_configs for process in group.process_configs}


def test_every_program_survives_the_file(environment: Environment) -> None:
    wanted = programs.cloud(environment)
    found = parse(environment, config.render(environment, wanted))
    assert set(found) == {"front", "api", "scheduler", "beat", "host-agent", "network-worker", "metadata", "flower"}
    scheduler = found["scheduler"]
    assert "scheduler@%h" in scheduler.command
    assert scheduler.environment["CELERITY_STATE_DIR"] == str(environment.state)
    assert scheduler.killasgroup
    assert not scheduler.autostart


def test_awkward_values_survive_the_file(environment: Environment) -> None:
    value = 'a,b "c" %d \\ e'
    program = Program("odd", [sys.executable, "-c", "print('100% of it; all')"], 1, environment={"ODD": value})
    found = parse(environment, config.render(environment, [program]))["odd"]
    assert found.environment["ODD"] == value
    assert "100% of it; all" in found.command


def test_a_changed_setting_changes_every_program(environment: Environment) -> None:
    """The supervisor restarts programs that changed; otherwise a new setting would apply only after a later restart."""
    before = {program.name: program for program in programs.cloud(environment)}
    assert {program.name: program for program in programs.cloud(secrets.ensure(environment.state))} == before
    changed = Environment(environment.state, {**environment.values, "CELERITY_REMOVE_STRANGERS": "false"})
    assert all(program != before[program.name] for program in programs.cloud(changed))


def test_no_password_is_on_a_command_line(environment: Environment) -> None:
    secret = {value for name, value in secrets.generate().items()} | {
        environment["CELERITY_FLOWER_PASSWORD"],
        environment["CELERITY_BROKER_URL"],
        environment["CELERITY_DATABASE_URL"],
    }
    for program in programs.cloud(environment):
        assert not any(value in argument for argument in program.command for value in secret)


@pytest.fixture
def supervisor(environment: Environment) -> Iterator[Supervisor]:
    found = Supervisor(environment)
    yield found
    found.shut_down()
    processes.end(orphans.find(environment, None), 2)


def sleeper(name: str, text: str = "hello") -> Program:
    return Program(name, [sys.executable, "-uc", f"import time; print('{text}'); time.sleep(600)"], 1, Path("/"))


@pytest.mark.processes
def test_programs_start_restart_change_and_end(environment: Environment, supervisor: Supervisor) -> None:
    supervisor.launch(config.render(environment, [sleeper("one"), sleeper("two")]))
    assert supervisor.configuration.stat().st_mode & 0o777 == 0o600
    supervisor.start(["one", "two"])
    supervisor.wait_running(["one", "two"])
    before = supervisor.states()
    assert supervisor.owns(before["one"]["pid"])

    # Applied again with one program changed, one gone and one new: the unchanged would run on.
    supervisor.launch(config.render(environment, [sleeper("one"), sleeper("three")]))
    supervisor.start(["one", "three"])
    supervisor.wait_running(["one", "three"])
    after = supervisor.states()
    assert set(after) == {"one", "three"}
    assert after["one"]["pid"] == before["one"]["pid"]

    supervisor.launch(config.render(environment, [sleeper("one", "other"), sleeper("three")]))
    supervisor.start(["one"])
    supervisor.wait_running(["one"])
    assert supervisor.states()["one"]["pid"] != before["one"]["pid"]
    assert "other" in (environment.log / "one.log").read_text()


@pytest.mark.processes
def test_orphans_of_a_killed_supervisor_are_found(environment: Environment, supervisor: Supervisor) -> None:
    import psutil

    supervisor.launch(config.render(environment, [sleeper("one")]))
    supervisor.start(["one"])
    supervisor.wait_running(["one"])
    pid = supervisor.states()["one"]["pid"]
    assert orphans.find(environment, supervisor.pid()) == []
    psutil.Process(supervisor.pid()).kill()
    deadline = time.monotonic() + 5
    while supervisor.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [process.pid for process in orphans.find(environment, None)] == [pid]
    processes.end(orphans.find(environment, None), 5)
    assert orphans.find(environment, None) == []


def test_how_many_is_a_setting(environment: Environment) -> None:
    values = {"CELERITY_API_PROCESSES": "5", "CELERITY_API_THREADS": "7", "CELERITY_SCHEDULER_THREADS": "9"}
    changed = Environment(environment.state, {**environment.values, **values})
    commands = {program.name: " ".join(program.command) for program in programs.cloud(changed)}
    assert "--workers 5 " in commands["api"] and "--threads 7 " in commands["api"] and "-c 9 " in commands["scheduler"]


def test_gunicorn_refuses_nothing_that_the_front_lets_through(environment: Environment) -> None:
    commands = {program.name: " ".join(program.command) for program in programs.cloud(environment)}
    assert " ".join(programs.gunicorn_limits()) in commands["api"]
