"""The gate to OVSDB over TLS: with a certificate of the cloud's authority, and with none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cloud import wait_for
from tests.host.ovn.daemons import NB_SCHEMA, Daemons, command
from tests.unit.drivers import engine_contract
from workers.drivers.network import loader
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine
from workers.drivers.network.errors import EngineUnavailable

pytestmark = pytest.mark.ovn


def certificate(
    directory: Path, name: str, signer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make a key and a certificate in files called by a name; signed by itself without a signer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (signer[0].subject, signer[1]) if signer else (subject, key)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    form, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (directory / f"{name}.key").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    (directory / f"{name}.pem").write_bytes(made.public_bytes(encoding))
    return made, key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """A northbound database that speaks TLS alone."""
    authority = certificate(tmp_path, "authority", None)
    for name in ("server", "client"):
        certificate(tmp_path, name, authority)
    certificate(tmp_path, "stranger", None)
    port = free_port()
    daemons = Daemons(tmp_path / "central")
    command("ovsdb-tool", "create", f"{tmp_path}/nb.db", NB_SCHEMA)
    files = [
        f"--private-key={tmp_path}/server.key",
        f"--certificate={tmp_path}/server.pem",
        f"--ca-cert={tmp_path}/authority.pem",
    ]
    daemons.start(
        "nb", "ovsdb-server", f"{tmp_path}/nb.db", f"--remote=pssl:{port}:127.0.0.1", daemons.control("nb"), *files
    )
    wait_for(lambda: accepts(port), what="the database")
    yield f"ssl:localhost:{port}"
    daemons.stop()


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def engine_of(remote: str, directory: Path, name: str) -> NetworkEngine:
    files = {
        "ca": directory / "authority.pem",
        "certificate": directory / f"{name}.pem",
        "private_key": directory / f"{name}.key",
    }
    return loader.load_engine("ovn", {"northbound": remote, **files})


def test_the_gate_over_tls(remote: str, tmp_path: Path) -> None:
    engine = engine_of(remote, tmp_path, "client")
    network = engine_contract.network(95)
    ports = tuple(engine_contract.port(network, last) for last in range(10, 200))
    engine.l2.ensure_ports(network, ports)
    assert engine.differences(engine_contract.cloud((network, ports))) == ()
    assert engine.reconcile(CloudSpec()) != ()
    engine.close()


def test_a_stranger_is_refused(remote: str, tmp_path: Path) -> None:
    engine = engine_of(remote, tmp_path, "stranger")
    with pytest.raises(EngineUnavailable):
        engine.ping()
    impostor = ssl.create_default_context()  # trusts the machine's authorities, not the cloud's
    engine = engine_of(remote, tmp_path, "client")
    engine._database.tls = impostor  # type: ignore[attr-defined]
    with pytest.raises(EngineUnavailable):
        engine.ping()
