"""Public keys as text: checked, fingerprinted, generated."""

import base64
import binascii
import datetime
import hashlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from apps.compute.exceptions import KeyPairInvalid

SSH, X509 = "ssh", "x509"
MAX_LENGTH = 16384  # characters of a public key or certificate
RSA_BITS = 2048  # as Nova's own; anyone who wants another key makes it and imports its public half
_SSH_TYPES = (
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)
_HARDWARE_TYPES = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
_LONGEST_CERTIFICATE_DAYS = 3650
_UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")  # the user principal name Windows looks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """``private_key`` is None for imported keys."""

    public_key: str
    fingerprint: str
    private_key: str | None = field(default=None, repr=False)


def parse(*, kind: str, text: str) -> Made:
    """Return a checked key with its fingerprint. Raises KeyPairInvalid (400)."""
    if len(text) > MAX_LENGTH:
        raise KeyPairInvalid(reason=f"the public key is longer than {MAX_LENGTH} characters")
    if kind == X509:
        return Made(public_key=text, fingerprint=_certificate_fingerprint(text))
    return Made(public_key=text, fingerprint=_ssh_fingerprint(text))


def generate(*, kind: str, user: str) -> Made:
    """Make an RSA key: OpenSSH's formats for ssh; PKCS#8 and a self-signed certificate for x509."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    if kind == X509:
        return _certificate(key, user)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    text = f"{public} Generated-by-Celerity"
    return Made(public_key=text, fingerprint=_ssh_fingerprint(text), private_key=private)


def _ssh_fingerprint(text: str) -> str:
    """Return the MD5 of the key's bytes with colons, as ``ssh-keygen -l -E md5`` shows it.

    One line only: text after a line break would become a second line of authorized_keys.
    """
    if not text.strip() or len(text.strip().splitlines()) > 1 or not text.strip().isprintable():
        raise KeyPairInvalid(reason="the public key must be one line of printable text")
    kind, _, rest = text.strip().partition(" ")
    try:
        raw = base64.b64decode(rest.strip().split(" ")[0], validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if kind not in (*_SSH_TYPES, *_HARDWARE_TYPES) or not raw:
        raise KeyPairInvalid(reason="failed to generate fingerprint: it is no public key in OpenSSH's format")
    if kind in _SSH_TYPES:
        _load(f"{kind} {base64.b64encode(raw).decode()}")
    elif not raw.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise KeyPairInvalid(reason="the key is of another type than it says")
    return _colons(hashlib.md5(raw, usedforsecurity=False).hexdigest())


def _load(text: str) -> None:
    try:
        serialization.load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyPairInvalid(reason="failed to generate fingerprint: the public key is damaged") from None


def _certificate_fingerprint(text: str) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyPairInvalid(reason="it is no X.509 certificate in PEM format") from None
    return _colons(certificate.fingerprint(hashes.SHA1()).hex())  # noqa: S303 - an identifier, as in Nova


def _certificate(key: rsa.RSAPrivateKey, user: str) -> Made:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user[:64])])
    now = datetime.datetime.now(datetime.UTC)
    upn = f"{user}@localhost".encode()
    name = x509.OtherName(_UPN, b"\x0c" + bytes([len(upn)]) + upn)  # DER: a UTF8String
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=_LONGEST_CERTIFICATE_DAYS))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Made(public_key=text, fingerprint=_certificate_fingerprint(text), private_key=private)


def _colons(digest: str) -> str:
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
