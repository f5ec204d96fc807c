"""The doctor: every check reports a finding, and a check that raises does not stop the others."""

from pathlib import Path

import pytest

from deploy import checks, doctor
from deploy.checks import peers
from deploy.checks.finding import Level, fail
from deploy.environment import DEFAULTS, Environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path, {**DEFAULTS, "CELERITY_HYPERVISOR": "simulated"})


@pytest.mark.parametrize("name", checks.NAMES)
def test_every_check_says_something(name: str, environment: Environment) -> None:
    found = doctor.examine(name, environment)
    assert found.text
    assert "check itself failed" not in found.text
    assert (found.level is Level.OK) == (not found.advice)


def test_every_module_is_listed() -> None:
    modules = {path.stem for path in Path(checks.__file__).parent.glob("*.py")}
    assert modules - {"__init__", "finding"} == set(checks.NAMES)


def test_a_broken_check_is_a_finding(environment: Environment) -> None:
    assert doctor.examine("finding", environment).level is Level.FAIL


def test_agents_that_do_not_answer_are_named(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [("near", "https://127.0.0.1:1"), ("far", "https://no-such-host.invalid:1")]
    monkeypatch.setattr(peers, "_hosts", lambda url: listed)
    found = doctor.examine(
        "peers", Environment(environment.state, {**environment.values, "CELERITY_DATABASE_URL": "x"})
    )
    assert found.level is Level.WARN and "near (127.0.0.1:1)" in found.text and "far (no-such" in found.text


def test_settings_open_to_others_fail(environment: Environment) -> None:
    environment.file.write_text("")
    environment.file.chmod(0o644)
    assert doctor.examine("settings", environment).level is Level.FAIL


def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(checks, "NAMES", ["rights"])
    monkeypatch.setattr(doctor, "examine", lambda name, environment: fail("bad", "mend it"))
    assert doctor.main() == 1
    assert "-> mend it" in capsys.readouterr().out
