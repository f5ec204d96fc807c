"""The list of Debian packages: sections by use, a name a line, none twice."""

import re
from pathlib import Path

from deploy.packages import ROOT, sections


def test_sections_and_names() -> None:
    found = sections()
    assert set(found) == {"build", "services", "hypervisor", "guest", "ovn", "test"}
    names = [name for section in found.values() for name in section]
    assert all(len(section) == len(set(section)) for section in found.values())
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in names)
    assert "postgresql" in found["services"]
    assert "libvirt-dev" in found["hypervisor"]


def test_what_a_simulated_cloud_needs_is_no_hypervisor() -> None:
    found = sections()
    assert not any("libvirt" in name or "qemu" in name for name in found["build"] + found["services"])


def test_the_shell_reads_the_same(tmp_path: Path) -> None:
    script = (ROOT / "bootstrap.sh").read_text()
    assert "deploy/packages.txt" in script
    assert "deploy/guest_images/packages.txt" in script
