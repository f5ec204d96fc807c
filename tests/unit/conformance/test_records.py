"""The records that a Tempest run is compared with, and the page written from them."""

import re
from pathlib import Path

import pytest

from deploy.errors import DeployError
from tests.conformance import __main__ as command
from tests.conformance import configuration, records, report
from tests.conformance.records import Missing
from tests.conformance.stestr import Outcome
from tests.conformance.suites import SUITES

MISSING = [Missing("resize", re.compile("test_resize|test_confirm"), re.compile("Resize is not available"))]
SKIPS = [Missing("for bare metal", re.compile(r"(?!)"), re.compile("Ironic"))]


def judge(state: str, name: str = "tempest.api.x.T.test_a", passing: frozenset[str] = frozenset()) -> records.Verdict:
    return records.judge({name: Outcome(state, "why", 1.0)}, set(passing), MISSING, SKIPS)


def test_a_test_that_passed_before_and_fails_now_is_a_regression() -> None:
    name = "tempest.api.x.T.test_a"
    assert judge("failed", name).regressions == []
    assert judge("failed", name, frozenset({name})).regressions == [name]
    assert judge("skipped", name, frozenset({name})).regressions == [name]
    assert judge("passed", name, frozenset({name})).regressions == []


def test_a_test_of_a_missing_action_is_not_served_unless_it_passes() -> None:
    name = "tempest.api.x.T.test_resize"
    assert judge("failed", name).not_served == {"resize": [name]}
    assert judge("skipped", name).not_served == {"resize": [name]}
    assert judge("passed", name).passed == [name]
    assert judge("failed", name, frozenset({name})).regressions == [name]


def test_a_skip_for_a_missing_service_is_not_served() -> None:
    outcome = Outcome("skipped", "Resize is not available", 1.0)
    verdict = records.judge({"tempest.T.test_a": outcome}, set(), MISSING, SKIPS)
    assert verdict.not_served == {"resize": ["tempest.T.test_a"]}


def test_a_skip_has_a_reason_or_is_told() -> None:
    verdict = records.judge({"tempest.T.test_a": Outcome("skipped", "Ironic only", 1.0)}, set(), MISSING, SKIPS)
    assert verdict.skipped == {"for bare metal": ["tempest.T.test_a"]}
    new = judge("skipped")
    assert new.unnamed == {"tempest.api.x.T.test_a": "why"}
    assert "skipped without a reason in not_served.toml: tempest.api.x.T.test_a: why" in report.failures({"x": new})
    assert command.conclude(command.parse([]), {"x": verdict, "y": judge("passed")}) == 0
    assert command.conclude(command.parse([]), {"x": new, "y": judge("passed")}) == 1


def test_every_recorded_skip_has_a_reason() -> None:
    reasons = {entry.what for entry in records.read_skips()}
    for name, suite in report.read_standing().items():
        assert sum(suite["skips"].values()) == suite["skipped"], name
        assert set(suite["skips"]) <= reasons, name


def test_every_test_is_counted_once() -> None:
    outcomes = {
        f"tempest.api.x.T.test_{index}": Outcome(state, "why", 1.0)
        for index, state in enumerate(("passed", "failed", "skipped", "passed"))
    }
    assert records.judge(outcomes, set(), MISSING, SKIPS).selected == len(outcomes)


def test_the_page_shows_the_recorded_standing() -> None:
    assert report.DOCUMENT.read_text() == report.document(report.read_standing())


def test_the_list_of_passing_tests_holds_what_the_page_counts() -> None:
    passing = records.read_passing()
    for suite in SUITES:
        recorded = report.read_standing()[suite.name]
        assert sum(1 for name in passing if suite.selects(name)) >= recorded["passed"] > 0, suite.name


def test_every_entry_of_what_is_missing_names_tests() -> None:
    entries = [*records.read_missing(), *records.read_skips()]
    assert entries
    assert len({entry.what for entry in entries}) == len(entries)


def test_the_configuration_takes_what_the_run_knows_and_lets_overrides_win(tmp_path: Path) -> None:
    target = configuration.Target(
        identity_url="http://cloud/identity", admin_password="p%s$x", image_id="i1", image_id_alt="i2",
        network_id="n1", image_file=tmp_path / "image", image_url="http://web/image",
    )  # fmt: skip
    path = configuration.write(tmp_path, target, {("compute", "image_ref"): "i9", ("new", "key"): "v"})
    text = path.read_text()
    assert "uri_v3 = http://cloud/identity/v3" in text
    assert "admin_password = p%s$$x" in text
    assert "image_ref = i9" in text
    assert "[new]\nkey = v" in text


@pytest.mark.parametrize("text", ["compute", "compute.image", "a.b.c", "=x"])
def test_an_option_without_section_key_and_value_is_refused(text: str) -> None:
    with pytest.raises(DeployError, match="--option takes"):
        command.overrides([text])


def test_an_unknown_service_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["compute,dns"])
    assert "no such service: dns" in capsys.readouterr().err
