"""The certificate authority: one key on one machine, which signs what hosts ask for.

A certificate says one thing, the name of a host; whatever else a request holds is ignored. OVN's role `ovn-controller`
compares this name with the chassis that a connection writes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workers.system import files
from workers.system.pki.errors import CertificateRefused, NoAuthority

AUTHORITY_DAYS, HOST_DAYS = 3650, 365
CLOCKS_DIFFER = timedelta(hours=1)  # a certificate is valid at once on a machine whose clock is behind
REQUEST_BYTES = 16 * 1024
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def named(text: str) -> x509.Name:
    """Return a certificate's name that says one thing."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def check_host(host: str) -> None:
    """Raise CertificateRefused for a name that no host can have."""
    if not _HOST.fullmatch(host):
        raise CertificateRefused(f"{host!r} is not a host's name.")


class Authority:
    """The authority in a directory that only its owner can enter: its key and certificate, and what it signed last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key, self._certificate = directory / "authority.key", directory / "authority.pem"
        self._issued = directory / "issued"

    def exists(self) -> bool:
        """Say whether it was created here."""
        return self._certificate.exists()

    def create(self, now: datetime | None = None) -> None:
        """Create the key and its certificate. An authority that exists is kept: all hosts trust it."""
        if self.exists():
            return
        now = now or datetime.now(UTC)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = named("Celerity certificate authority")
        signs = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            _builder(name, name, key.public_key(), now, now + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs, critical=True)
            .sign(key, hashes.SHA256())
        )
        files.write(self._key, pem_of_key(key), durable=True)
        files.write(self._certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644, durable=True)

    def certificate(self) -> bytes:
        """Return the authority's certificate, PEM. Raises NoAuthority."""
        try:
            return self._certificate.read_bytes()
        except FileNotFoundError:
            raise NoAuthority(
                "This machine has no certificate authority; the first machine of the cloud has it."
            ) from None

    def sign(self, request: bytes, host: str, now: datetime | None = None) -> bytes:
        """Sign a host's request, a PEM, and return the certificate, PEM. Raises CertificateRefused, NoAuthority."""
        check_host(host)
        now = now or datetime.now(UTC)
        issuer = x509.load_pem_x509_certificate(self.certificate())
        key = serialization.load_pem_private_key(self._key.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NoAuthority("The authority's key is not one of ours.")
        until = min(now + timedelta(days=HOST_DAYS), issuer.not_valid_after_utc)
        certificate = (
            _builder(named(host), issuer.subject, _public_key(request), now, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        signed = certificate.public_bytes(serialization.Encoding.PEM)
        self._issued.mkdir(mode=0o700, exist_ok=True)
        files.write(self._issued / f"{host}.pem", signed, durable=True)
        return signed

    def answer(self, request: bytes, host: str) -> bytes:
        """Return the signed certificate with the authority's own behind it, as ``HostCertificate.take`` wants them."""
        return self.sign(request, host) + self.certificate()

    def issued(self) -> dict[str, datetime]:
        """Return when the last certificate of each host ends."""
        return {
            path.stem: x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
            for path in sorted(self._issued.glob("*.pem"))
            if not path.name.startswith(files.TEMPORARY_PREFIX)
        }


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM, unencrypted: for files of their owner alone."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def is_for(request: bytes, host: str) -> bool:
    """Say whether a request names this host. Raises CertificateRefused for what is no request."""
    _public_key(request)
    return x509.load_pem_x509_csr(request).subject == named(host)


def _public_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a request that its owner signed. Raises CertificateRefused."""
    if len(request) > REQUEST_BYTES:
        raise CertificateRefused("The request is too large.")
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        if not parsed.is_signature_valid:
            raise CertificateRefused("The request is not signed by its own key.")
    except (ValueError, TypeError, InvalidSignature) as error:
        raise CertificateRefused("This is not a certificate request.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateRefused("The key of the request must be one of the curve P-256.")
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(until)
    )
