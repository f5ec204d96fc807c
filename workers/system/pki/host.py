"""A host's certificate: its key is made here and stays here; only the request and the certificate travel.

Key and certificate are one file, so that a daemon that reads it again never sees a pair that does not match.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from workers.system import files
from workers.system.pki.authority import check_host, named, pem_of_key
from workers.system.pki.errors import CertificateRefused

RENEWED_AFTER = 2 / 3  # of its life
_END = b"-----END CERTIFICATE-----\n"


class HostCertificate:
    """The certificate in a directory that only its owner can enter."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pair, self.authority = directory / "host.pem", directory / "authority.pem"
        self._waiting = directory / "next.key"

    def exists(self) -> bool:
        """Say whether the certificate is installed, with the authority that signed it."""
        return self.pair.exists() and self.authority.exists()

    def request(self, host: str) -> bytes:
        """Return a request to sign, PEM, for a key that waits here for its certificate; asked again, for the same key.

        Raises CertificateRefused for a bad name.
        """
        check_host(host)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._waiting.exists():
            files.write(self._waiting, pem_of_key(ec.generate_private_key(ec.SECP256R1())), durable=True)
        request = x509.CertificateSigningRequestBuilder().subject_name(named(host))
        return request.sign(self._waiting_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def take(self, answer: bytes) -> None:
        """Put an authority's answer in place: the certificate, and its own behind it. Raises CertificateRefused."""
        certificate, end, authority = answer.partition(_END)
        self.install(certificate + end, authority)

    def install(self, certificate: bytes, authority: bytes) -> None:
        """Put a certificate in place with the key that waits for it. Raises CertificateRefused; the old pair stays.

        The first authority is trusted; a later certificate has to come from it.
        """
        try:
            signed, issuer = x509.load_pem_x509_certificate(certificate), x509.load_pem_x509_certificate(authority)
            signed.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CertificateRefused("This is not a certificate with the authority that signed it.") from error
        if self.authority.exists() and self.authority.read_bytes() != authority:
            raise CertificateRefused(f"The certificate is of another authority than {self.authority}.")
        key = self._waiting_key()
        if signed.public_key() != key.public_key():
            raise CertificateRefused("The certificate is for another key than the one that waits for it here.")
        files.write(self.authority, authority, 0o644, durable=True)
        files.write(self.pair, pem_of_key(key) + certificate, durable=True)
        self._waiting.unlink()

    def life(self) -> tuple[datetime, datetime] | None:
        """Return from when and until when the certificate is valid; None without one."""
        if not self.exists():
            return None
        certificate = x509.load_pem_x509_certificate(self.pair.read_bytes())
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc

    def is_due(self, now: datetime | None = None) -> bool:
        """Say whether a new certificate is needed: there is none, or two thirds of its life are over."""
        life = self.life()
        if life is None:
            return True
        begin, end = life
        return (now or datetime.now(UTC)) >= begin + (end - begin) * RENEWED_AFTER

    def _waiting_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(self._waiting.read_bytes(), None)
        except FileNotFoundError:
            raise CertificateRefused("No key waits for a certificate here: make a request first.") from None
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key
