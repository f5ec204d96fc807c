"""What ovn-controller did not understand is read from its log: recent lines, each once."""

from datetime import UTC, datetime
from pathlib import Path

from workers.drivers.network.ovn import complaints

LOG = """\
2026-01-31T10:00:00Z|00001|lflow|WARN|error parsing match "old": Syntax error
2026-01-31T11:40:00Z|00002|main|INFO|OVS IDL reconnected, force recompute.
2026-01-31T11:41:00.250Z|00003|lflow|WARN|error parsing match "tcp.dst == x": Syntax error at `x'
2026-01-31T11:42:00Z|00004|lflow|WARN|error parsing match "tcp.dst == x": Syntax error at `x'
no time|error parsing match
2026-01-31T11:43:00Z|00005|lflow|WARN|error parsing actions "put_dhcp_opts(": Syntax error
"""


def test_recent_complaints(tmp_path: Path) -> None:
    log = tmp_path / "ovn-controller.log"
    assert complaints.recent(log) == ()
    log.write_text(LOG)
    now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert complaints.recent(log, now) == (
        'error parsing match "tcp.dst == x": Syntax error at `x\'',
        'error parsing actions "put_dhcp_opts(": Syntax error',
    )
    assert complaints.recent(log, now.replace(hour=13)) == ()
