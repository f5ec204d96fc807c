"""The search for secrets in test output finds them and masks them."""

from pathlib import Path

import pytest

from deploy import testrun
from tests import sentinels

TOKEN = "gAAAA" + "A" + "b" * 80  # put together here: this file's own failures are looked at, too


@pytest.mark.parametrize(
    "line",
    [
        f'{{"url": "redis://:{testrun.SENTINEL}abc@127.0.0.1"}}',
        "password=" + "correct " + "horse",
        f"GET /identity/v2.0/tokens/{TOKEN} 200",
        "user_data " + sentinels.USER_DATA,
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
        "argon2id" + "$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
    ],
)
def test_found_and_masked(line: str) -> None:
    found = list(sentinels.found_in(f"nothing here\n{line}\n"))
    assert [number for number, _ in found] == [2]
    assert all(what.endswith("***") for _, what in found)
    assert not any(list(sentinels.found_in(what)) for _, what in found)


def test_in_log_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    monkeypatch.setattr(sentinels, "_found", kept)
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql" / "server.log").write_text(f"one\ntwo {TOKEN}\n")
    (tmp_path / "other.txt").write_text(TOKEN)
    sentinels.look_at_logs(tmp_path)
    assert kept == [f"{tmp_path}/postgresql/server.log:2: a token: …two ***"]


def test_every_secret_of_a_tests_cloud_is_marked(tmp_path: Path) -> None:
    values = testrun.settings(tmp_path)
    named = ("PASSWORD", "KEY", "DATABASE_URL", "BROKER_URL")
    secret = {name: value for name, value in values.items() if name.endswith(named)}
    assert len(secret) == 6
    assert all(testrun.SENTINEL in value for value in secret.values())
    assert values["CELERITY_LOG_LEVEL"] == "DEBUG"
