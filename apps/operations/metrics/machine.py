"""What no row holds: this machine's daemons of OVN, its metadata process, and how long certificates last."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

# A daemon accepts connections on its socket as long as it lives; a file that a dead one left accepts none.
_SOCKETS = {
    "ovn-nb": "central/nb.sock",
    "ovn-sb": "central/sb.sock",
    "ovn-northd": "central/northd.ctl",
    "ovs-db": "host/db.sock",
    "ovs-vswitchd": "host/vswitchd.ctl",
    "ovn-controller": "host/ovn-controller.*.ctl",
}
_TIMEOUT_SECONDS = 0.5


def collect() -> Iterator[Metric]:
    """No statement. A cloud without OVN on this machine, and one without certificates, have none of these."""
    ovn = Path(settings.STATE_DIR) / "ovn"
    if ovn.exists():
        family = GaugeMetricFamily("celerity_ovn_daemon_up", "Whether a daemon of OVN answers.", labels=("daemon",))
        for name, pattern in _SOCKETS.items():
            family.add_metric((name,), float(any(_accepts(path) for path in ovn.glob(pattern))))
        yield family
        yield from _metadata(Path(settings.STATE_DIR) / "run" / "metadata.sock")
    if days := _days_left(Path(settings.STATE_DIR)):
        family = GaugeMetricFamily(
            "celerity_certificate_days_left", "Days until a certificate ends.", labels=("certificate",)
        )
        for name, left in days.items():
            family.add_metric((name,), left)
        yield family


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_TIMEOUT_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _metadata(path: Path) -> Iterator[Metric]:
    """Read the numbers of this machine's metadata process."""
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_TIMEOUT_SECONDS)
            asking.connect(str(path))
            numbers = json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))
    except (OSError, ValueError):
        numbers = None
    text = "Whether this machine's metadata process answers."
    yield GaugeMetricFamily("celerity_metadata_up", text, value=float(numbers is not None))
    if numbers is None:
        return
    text = "Networks that the metadata process serves, and guests' ports on them."
    family = GaugeMetricFamily("celerity_metadata_served", text, labels=("kind",))
    for kind in ("networks", "ports"):
        family.add_metric((kind,), numbers[kind])
    yield family
    text = "Guests' requests to the metadata process since its start."
    requests = CounterMetricFamily("celerity_metadata_requests", text, labels=("status",))
    for status, number in numbers["requests"].items():
        requests.add_metric((status,), number)
    yield requests
    text = "Questions to which the API gave the metadata process no answer."
    yield CounterMetricFamily("celerity_metadata_failures", text, value=numbers["failures"])


def _days_left(state: Path) -> dict[str, float]:
    """Return the days of this host's certificate, of the authority's, and of those that it issued, by their hosts."""
    files = {"this host": state / "pki" / "host.pem", "the authority": state / "authority" / "authority.pem"}
    files |= {path.stem: path for path in sorted((state / "authority" / "issued").glob("[!.]*.pem"))}
    present = {name: path for name, path in files.items() if path.exists()}
    if not present:
        return {}
    from cryptography import x509  # here: 2 MiB that most clouds' APIs do without

    now, days = datetime.now(UTC), {}
    for name, path in present.items():
        try:
            end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        except (OSError, ValueError):
            continue
        days[name] = (end - now).total_seconds() / 86400
    return days
