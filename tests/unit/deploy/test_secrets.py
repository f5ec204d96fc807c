"""The settings file: secrets are generated once and kept, in a file that only its owner reads."""

from pathlib import Path

import pytest

from deploy import environment, ports, secrets
from deploy.errors import DeployError
from deploy.supervision import programs


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.from_process():
        monkeypatch.delenv(name)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = secrets.ensure(tmp_path)
    text = first.file.read_bytes()
    second = secrets.ensure(tmp_path)
    assert second.values == first.values
    assert second.file.read_bytes() == text


def test_the_file_is_private(tmp_path: Path) -> None:
    found = secrets.ensure(tmp_path)
    assert found.file.stat().st_mode & 0o777 == 0o600
    found.file.chmod(0o644)
    secrets.ensure(tmp_path)
    assert found.file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["celerity.env"]


def test_two_clouds_share_no_secret(tmp_path: Path) -> None:
    one, two = secrets.ensure(tmp_path / "one"), secrets.ensure(tmp_path / "two")
    for name in secrets.generate():
        assert one[name] != two[name]


def test_a_setting_of_the_environment_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERITY_HYPERVISOR", "simulated")
    monkeypatch.setenv("CELERITY_LISTEN", "127.0.0.1:9000")
    secrets.ensure(tmp_path)
    monkeypatch.delenv("CELERITY_HYPERVISOR")
    monkeypatch.delenv("CELERITY_LISTEN")
    found = secrets.ensure(tmp_path)
    assert found.simulated
    assert found.public_url == "http://127.0.0.1:9000"


def test_an_operators_line_is_kept(tmp_path: Path) -> None:
    found = secrets.ensure(tmp_path)
    found.file.write_text(found.file.read_text() + "CELERITY_QUOTA_CORES=7\n")
    assert secrets.ensure(tmp_path)["CELERITY_QUOTA_CORES"] == "7"


def test_a_server_elsewhere_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secrets.ensure(tmp_path).private_database
    monkeypatch.setenv("CELERITY_DATABASE_URL", "postgresql://c:p@db.example/celerity")
    monkeypatch.setenv("CELERITY_BROKER_URL", "amqp://c:p@127.0.0.1:5672//")
    found = secrets.ensure(tmp_path)
    assert not found.private_database
    assert not found.private_broker


def test_a_further_host_generates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "celerity.env"
    file.write_text("CELERITY_ROLE=host\nCELERITY_SECRET_KEY=x\n")
    with pytest.raises(DeployError, match="CELERITY_DATABASE_URL, CELERITY_BROKER_URL") as raised:
        secrets.ensure(tmp_path)
    assert "CELERITY_SECRET_KEY" not in raised.value.message
    shared = {**secrets.generate(), "CELERITY_PUBLIC_URL": "http://first:8000", "CELERITY_HOST": "compute-2"}
    file.write_text("CELERITY_ROLE=host\n" + "".join(f"{name}={shared[name]}\n" for name in secrets.SHARED))
    host = secrets.ensure(tmp_path)
    assert "CELERITY_ADMIN_PASSWORD" not in host.values
    assert host.public_url == "http://first:8000"
    assert not host.private_database  # 127.0.0.1 is the end of a tunnel
    assert not host.private_broker
    assert [program.name for program in programs.cloud(host)] == ["host-agent", "metadata"]
    assert programs.services(host, with_libvirt=False) == []
    assert ports.endpoints(host) == []
