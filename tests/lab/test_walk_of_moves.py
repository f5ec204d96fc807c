"""The walk of docs/moves.md, as it is printed: moves under traffic, a host that is lost, one that is emptied."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, LabCloud
from tests.lab.conftest import SETTINGS
from tests.lab.test_outages import domains, findings
from tests.lab.traffic import pinging
from tests.lab.walk import SECONDS, Shell, printed

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.hosts(3), pytest.mark.timeout(1500)]
LAB = "/var/lib/celerity-lab"  # as the document names it
AT_REST = ("ACTIVE", "VERIFY_RESIZE", "RESCUE", "SHELVED_OFFLOADED")
SUM = "inside 'sha256sum /root/file'"
RESCUED = "inside 'mount /dev/vdb2 /mnt; sha256sum /mnt/root/file; umount /mnt'"
LOST = ("kill ", "openstack --os-compute-api-version 2.11 compute service set --down")  # it is on the host that is lost
CLEAR = """
openstack server delete --wait s1
openstack floating ip delete $IP
openstack router unset --external-gateway way; openstack router remove subnet way net; openstack router delete way
openstack network delete net; openstack security group delete open; openstack keypair delete me
openstack image delete snap
"""
SESSION = "inside 'while date; do sleep 0.2; done'"


class Walker(Shell):
    """An administrator, who looks between lines until the server is idle."""

    def __init__(self, cloud: LabCloud, directory: Path) -> None:
        super().__init__(cloud, directory, "celerity-admin")
        self._lab = str(cloud.lab.plan.directory)

    def type(self, line: str) -> str:
        said = super().type(line.replace(LAB, self._lab))
        wait_for(self._is_at_rest, what=f"the server at rest after: {line}", seconds=SECONDS)
        return said

    def server(self) -> dict[str, Any] | None:
        listed = self.api.get(f"{COMPUTE}/servers/detail", name="^s1$")["servers"]
        return dict(listed[0]) if listed else None

    def _is_at_rest(self) -> bool:
        server = self.server()
        if server is None:
            return True
        assert server["status"] != "ERROR", server
        return server["status"] in AT_REST and server["OS-EXT-STS:task_state"] is None

    def is_reachable(self) -> bool:
        server = self.server()
        return server is not None and server["status"] != "SHELVED_OFFLOADED"

    def sum(self) -> str:
        server = self.server()
        assert server is not None
        return self.type(RESCUED if server["status"] == "RESCUE" else SUM).split()[0]

    def clear(self) -> None:
        """Delete all that the walk has made."""
        for line in CLEAR.strip().splitlines():
            self.type(line)

    @contextmanager
    def session(self) -> Iterator[list[str]]:
        """Keep an ssh session that prints the time; the lines that came are there after the block."""
        lines: list[str] = []
        with self.popen(SESSION) as process:
            try:
                yield lines
                assert process.poll() is None, "the session lives"
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                lines += process.communicate()[0].splitlines()


def test_the_walk_of_the_documentation(cloud: LabCloud, tmp_path: Path) -> None:
    walker, lost = Walker(cloud, tmp_path), cloud.host("compute-3")
    said: dict[str, str] = {}
    whole = ""
    try:
        for line in printed("moves.md"):
            if "--live-migration --host compute-2" in line:
                [address] = re.findall(r"198[.\d]+", walker.type("echo $IP"))
                with pinging(address) as pings, walker.session() as lines:
                    said[line] = walker.type(line)
                assert pings.gap < 1.0 and len(set(lines)) > 2, (pings.gap, lines)
            else:
                said[line] = walker.type(line)
            if line.startswith("inside '"):
                whole = said[line].split()[0]
            elif whole and walker.is_reachable() and not line.startswith(LOST):
                assert walker.sum() == whole, line  # also where it is made again: its image has the file
            if "--up" in line:
                wait_for(lambda: not domains(lost), what="nothing of it on the host that came back", seconds=SECONDS)
        why = said['make lab-shell ON=compute-1 RUN="celerity why s1"']
        for word in ("live", "resize", "shelve", "rebuild", "rescue", "evacuat"):
            assert word in why.lower(), (word, why)
    finally:
        cloud.lab.up(**SETTINGS)
        walker.clear()
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=SECONDS)
