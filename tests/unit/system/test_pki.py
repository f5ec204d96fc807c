"""The cloud's certificates: who gets one, its content, its renewal, and that keys never leave their machine."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command

from deploy.checks import certificates
from deploy.checks.finding import Level
from deploy.environment import DEFAULTS, Environment
from workers.host import certificates as agent
from workers.system.pki import renewal
from workers.system.pki.authority import Authority, named
from workers.system.pki.errors import CertificateRefused, NoAuthority
from workers.system.pki.host import HostCertificate

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "first" / "authority")
    made.create(NOW)
    return made


@pytest.fixture
def host(tmp_path: Path) -> HostCertificate:
    return HostCertificate(tmp_path / "second" / "pki")


def request_with(key: object, subject: str = "compute-2") -> bytes:
    made = x509.CertificateSigningRequestBuilder().subject_name(named(subject)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def test_a_host_joins(authority: Authority, host: HostCertificate) -> None:
    signed = authority.sign(host.request("compute-2"), "compute-2", NOW)
    host.install(signed, authority.certificate())
    certificate = x509.load_pem_x509_certificate(signed)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate()))
    assert certificate.subject == named("compute-2")
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert host.life() == (NOW - timedelta(hours=1), NOW + timedelta(days=365))
    assert list(authority.issued()) == ["compute-2"]


def test_keys_are_private_and_stay(authority: Authority, host: HostCertificate) -> None:
    request = host.request("compute-2")
    assert b"PRIVATE" not in request
    host.install(authority.sign(request, "compute-2", NOW), authority.certificate())
    assert not any(b"PRIVATE" in path.read_bytes() for path in authority.directory.rglob("*.pem"))
    for path in (host.pair, authority.directory / "authority.key"):
        assert b"PRIVATE KEY" in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    for directory in (host.directory, authority.directory, authority.directory / "issued"):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_the_authority_decides_the_name(authority: Authority) -> None:
    """A request that names another host, or an authority, gets what the operator signs and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(named("compute-1"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("compute-1")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    signed = authority.sign(greedy.public_bytes(serialization.Encoding.PEM), "compute-2", NOW)
    certificate = x509.load_pem_x509_certificate(signed)
    assert [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "compute-2"
    ]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["compute-2"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/../b", "../authority", "a\n", "a" * 64, 'a"', "é"])
def test_bad_names_are_refused(authority: Authority, host: HostCertificate, name: str) -> None:
    with pytest.raises(CertificateRefused):
        host.request(name)
    with pytest.raises(CertificateRefused):
        authority.sign(host.request("compute-2"), name)


def test_bad_requests_are_refused(authority: Authority) -> None:
    good = request_with(ec.generate_private_key(ec.SECP256R1()))
    broken = x509.load_pem_x509_csr(good).public_bytes(serialization.Encoding.DER)
    changed = broken[:-1] + bytes([broken[-1] ^ 1])
    cut = x509.load_der_x509_csr(changed).public_bytes(serialization.Encoding.PEM)
    weak = request_with(rsa.generate_private_key(65537, 1024))
    for bad in (
        b"",
        b"x",
        good[:100],
        good + b" " * 20_000,
        cut,
        weak,
        request_with(ec.generate_private_key(ec.SECP384R1())),
    ):
        with pytest.raises(CertificateRefused):
            authority.sign(bad, "compute-2")
    assert authority.issued() == {}


def test_a_certificate_for_another_key_is_not_installed(authority: Authority, host: HostCertificate) -> None:
    host.install(authority.sign(host.request("compute-2"), "compute-2", NOW), authority.certificate())
    before = host.pair.read_bytes()
    host.request("compute-2")
    foreign = authority.sign(request_with(ec.generate_private_key(ec.SECP256R1())), "compute-2", NOW)
    with pytest.raises(CertificateRefused, match="another key"):
        host.install(foreign, authority.certificate())
    assert host.pair.read_bytes() == before


def test_another_authority_is_not_trusted(authority: Authority, host: HostCertificate, tmp_path: Path) -> None:
    host.install(authority.sign(host.request("compute-2"), "compute-2", NOW), authority.certificate())
    other = Authority(tmp_path / "other")
    other.create(NOW)
    signed = other.sign(host.request("compute-2"), "compute-2", NOW)
    with pytest.raises(CertificateRefused, match="another authority"):
        host.install(signed, other.certificate())
    with pytest.raises(CertificateRefused, match="authority that signed it"):
        host.install(signed, authority.certificate())


def test_asking_again_asks_for_the_same_key(host: HostCertificate) -> None:
    first, again = (x509.load_pem_x509_csr(host.request("compute-2")) for _ in range(2))
    assert first.public_key() == again.public_key()


def test_renewal_after_two_thirds(tmp_path: Path, authority: Authority) -> None:
    state = tmp_path / "first"
    assert renewal.renew(state, "h1", NOW)
    before = renewal.host_of(state).pair.read_bytes()
    assert not renewal.renew(state, "h1", NOW + timedelta(days=243))
    assert renewal.host_of(state).pair.read_bytes() == before
    assert renewal.renew(state, "h1", NOW + timedelta(days=244))
    assert renewal.host_of(state).pair.read_bytes() != before


def test_an_authority_is_made_once(authority: Authority) -> None:
    before = authority.certificate()
    authority.create()
    assert authority.certificate() == before


def test_a_certificate_does_not_outlive_its_authority(authority: Authority, host: HostCertificate) -> None:
    late = NOW + timedelta(days=3600)
    signed = authority.sign(host.request("compute-2"), "compute-2", late)
    assert x509.load_pem_x509_certificate(signed).not_valid_after_utc == NOW + timedelta(days=3650)


def test_a_machine_without_the_authority_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoAuthority):
        renewal.renew(tmp_path, "h2", NOW)


def run(monkeypatch: pytest.MonkeyPatch, settings: Any, state: Path, *arguments: str, stdin: str = "") -> str:
    """Run `manage.py certificates` on a machine with that state."""
    settings.STATE_DIR = state
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
    output = io.StringIO()
    call_command("certificates", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_joins_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert "no certificates" in run(monkeypatch, settings, first)
    assert "a new certificate" in run(monkeypatch, settings, first, "ensure", "--host", "h1")
    assert "is good" in run(monkeypatch, settings, first, "ensure", "--host", "h1")
    request = run(monkeypatch, settings, second, "request", "--host", "h2")
    signed = run(monkeypatch, settings, first, "sign", "--host", "h2", stdin=request)
    assert "in place" in run(monkeypatch, settings, second, "install", "--host", "h2", stdin=signed)
    assert [line.split()[0] for line in run(monkeypatch, settings, first, "list", "--host", "h1").splitlines()] == [
        "h1",
        "h2",
    ]
    assert "364 days left" in run(monkeypatch, settings, second, "list", "--host", "h2")
    with pytest.raises(CommandError, match="first machine"):
        run(monkeypatch, settings, second, "sign", "--host", "h3", stdin=request)
    with pytest.raises(CommandError, match="not a certificate request"):
        run(monkeypatch, settings, first, "sign", "--host", "h3", stdin="what")


def test_the_doctor_tells_the_days(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "first", DEFAULTS)
    assert certificates.check(environment).level is Level.OK
    authority, now = Authority(environment.state / "authority"), datetime.now(UTC)
    authority.create(now)
    renewal.renew(environment.state, "h1", now)
    assert "364 days" in certificates.check(environment).text
    for ago, level in ((280, Level.WARN), (400, Level.FAIL)):
        renewal.host_of(environment.state).pair.unlink()
        renewal.renew(environment.state, "h1", now - timedelta(days=ago))
        assert certificates.check(environment).level is level


@pytest.mark.django_db
def test_the_agent_renews(tmp_path: Path, settings: Any) -> None:
    settings.STATE_DIR, settings.HOST_NAME = tmp_path / "first", "h1"
    mine = renewal.host_of(settings.STATE_DIR)
    agent.renew()
    assert not mine.exists()  # a cloud of one machine has none
    authority, now = Authority(settings.STATE_DIR / "authority"), datetime.now(UTC)
    authority.create(now)
    renewal.renew(settings.STATE_DIR, "h1", now - timedelta(days=300))
    agent.renew()
    assert not mine.is_due(now)
    before = mine.pair.read_bytes()
    agent.renew()
    assert mine.pair.read_bytes() == before
    mine.pair.write_bytes(b"broken")
    agent.renew()  # logged: the agent goes on
    assert mine.pair.read_bytes() == b"broken"
