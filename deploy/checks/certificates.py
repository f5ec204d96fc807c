"""Certificates: how long this host's, those of the authority on this machine, and the authority itself last."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment

RENEWED_DAYS = 365 / 3  # a certificate is renewed when this much is left
LATE_DAYS = RENEWED_DAYS - 30


def days_left(environment: Environment) -> dict[str, int]:
    """Return the days that each certificate of this machine lasts, by a name for it."""
    state, now = environment.state, datetime.now(UTC)
    files = {"this host": state / "pki" / "host.pem", "the authority": state / "authority" / "authority.pem"}
    files |= {path.stem: path for path in sorted((state / "authority" / "issued").glob("[!.]*.pem"))}
    return {name: (_end(path) - now).days for name, path in files.items() if path.exists()}


def _end(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def check(environment: Environment) -> Finding:
    left = days_left(environment)
    if not left:
        return ok("none: one machine needs none")
    name, days = min(left.items(), key=lambda item: item[1])
    text = f"{len(left)}, the first to end in {days} days: {name}"
    if days < 0:
        return fail(text, "Renew it: celerity certificates; docs/operators.md, Certificates.")
    return (
        warn(text, "Its host should have renewed it; celerity certificates lists all.")
        if days < LATE_DAYS
        else ok(text)
    )
