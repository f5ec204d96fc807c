"""Parts of the libvirt driver that need no libvirt daemon: errors, events, the console's tail."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workers.drivers.hypervisor import errors
from workers.drivers.hypervisor.libvirt import console

libvirt = pytest.importorskip("libvirt")

from workers.drivers.hypervisor.libvirt import copies, domains, events, failures, host  # noqa: E402
from workers.drivers.hypervisor.libvirt.connection import Connection  # noqa: E402


def error(code: int, domain: int = 10, message: str = "details of the host") -> Any:
    made = libvirt.libvirtError("")
    made.err = (code, domain, message, 2, "", None, None, -1, -1)
    return made


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (libvirt.VIR_ERR_NO_DOMAIN, errors.ServerNotFound),
        (libvirt.VIR_ERR_OPERATION_INVALID, errors.ServerNotRunning),
        (libvirt.VIR_ERR_OPERATION_TIMEOUT, errors.HypervisorBusy),
        (libvirt.VIR_ERR_NO_MEMORY, errors.NotEnoughResources),
        (libvirt.VIR_ERR_XML_ERROR, errors.ImpossibleServer),
        (libvirt.VIR_ERR_NO_CONNECT, errors.HypervisorUnavailable),
        (libvirt.VIR_ERR_INTERNAL_ERROR, errors.SpawnFailed),
        (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, errors.SpawnFailed),
    ],
)
def test_errors(code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught, failures.translated(errors.SpawnFailed):
        raise error(code)
    assert "details of the host" not in caught.value.message  # type: ignore[attr-defined]
    assert "details of the host" in caught.value.details  # type: ignore[attr-defined]


def test_a_broken_connection_is_not_a_refusal() -> None:
    assert failures.is_broken_connection(error(libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_RPC))
    assert failures.is_broken_connection(error(libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC))
    assert not failures.is_broken_connection(error(libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_QEMU))
    broken = failures.translate(error(libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC), errors.SpawnFailed)
    assert isinstance(broken, errors.HypervisorUnavailable)


NODE = (
    "internal error: process exited while connecting to monitor: qemu-system-x86_64: -blockdev "
    '{"node-name":"libvirt-2-%s","read-only":%s,"cache":{"direct":false},"driver":"qcow2"}: %s'
)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (NODE % ("format", "true", "Active L1 table too large"), errors.ImageBroken),
        (NODE % ("format", "true", "Could not read L1 table: Input/output error"), errors.SpawnFailed),
        (NODE % ("format", "false", "Image is corrupt; cannot be opened read/write"), errors.SpawnFailed),
        (NODE % ("storage", "true", "Could not open '/images/1'"), errors.SpawnFailed),
        ("internal error: qemu-system-x86_64: -blockdev {", errors.SpawnFailed),
    ],
)
def test_the_content_of_an_image_is_no_fault_of_the_host(message: str, kind: type[Exception]) -> None:
    found = failures.translate(error(libvirt.VIR_ERR_INTERNAL_ERROR, message=message), errors.SpawnFailed)
    assert type(found) is kind and found.details.endswith(message)


@pytest.mark.parametrize(("message", "tries"), [("internal error: qemu unexpectedly closed the monitor", 2), ("x", 1)])
def test_a_failure_without_a_reason_is_tried_once_more(message: str, tries: int) -> None:
    """The reason says whether every host would fail. On a busy one libvirt may not have read it yet."""
    asked: list[int] = []

    def create() -> None:
        asked.append(1)
        raise error(libvirt.VIR_ERR_INTERNAL_ERROR, message=message)

    with pytest.raises(libvirt.libvirtError):
        domains.power_on(SimpleNamespace(create=create))  # type: ignore[arg-type]
    assert len(asked) == tries


@pytest.mark.parametrize(
    ("event", "detail", "word"),
    [
        (libvirt.VIR_DOMAIN_EVENT_STARTED, 0, "started"),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, "stopped"),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED, "crashed"),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED, "crashed"),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED, None),
        (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 0, "paused"),
        (libvirt.VIR_DOMAIN_EVENT_RESUMED, 0, "resumed"),
        (libvirt.VIR_DOMAIN_EVENT_DEFINED, 0, None),
    ],
)
def test_events(event: int, detail: int, word: str | None) -> None:
    assert events.word_for(event, detail) == word


def test_nobody_answers() -> None:
    connection = Connection("qemu+unix:///system?socket=/no/such/socket", lambda _: None)
    with pytest.raises(errors.HypervisorUnavailable):
        connection.get()


class TestConsole:
    def test_across_rotated_logs(self, tmp_path: Path) -> None:
        log = tmp_path / "console.log"
        (tmp_path / "console.log.1").write_bytes(b"aaaa")
        (tmp_path / "console.log.0").write_bytes(b"bbbb")
        log.write_bytes(b"cc")
        assert console.tail(log, 100) == b"aaaabbbbcc"
        assert console.tail(log, 5) == b"bbbcc"
        assert console.tail(log, 2) == b"cc"
        assert console.tail(log, 0) == b""
        log.unlink()  # between two files, just when it is rotated
        assert console.tail(log, 5) == b"abbbb"

    def test_ten_mebibytes(self, tmp_path: Path) -> None:
        """OSSA-2013-026: the amount read of a guest's output is bounded."""
        log = tmp_path / "console.log"
        log.write_bytes(b"x" * (10 << 20))
        assert len(console.tail(log, 102400)) == 102400

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        (tmp_path / "console.log").symlink_to(secret)
        assert console.tail(tmp_path / "console.log", 100) == b""


@pytest.mark.parametrize(
    ("driver", "offloads"),
    [("", True), ("<driver queues='2'/>", True), ("<driver><host csum='off'/><guest csum='off'/></driver>", False)],
)
def test_cards_that_leave_checksums_to_the_host(driver: str, offloads: bool) -> None:
    class Domain:
        def XMLDesc(self) -> str:
            card = f"<interface type='bridge'><model type='virtio'/>{driver}</interface>"
            return f"<domain><devices>{card}<interface><model type='e1000'/></interface></devices></domain>"

    assert domains._devices(Domain()) == (None, offloads)


RESCUED = """<domain><devices>
<disk type='network'><target dev='vdc'/></disk>
<disk type='file'><source file='/i/rescue'/>
<backingStore><source file='/i/root'/></backingStore><target dev='vda'/></disk>
{root}
</devices></domain>"""


@pytest.mark.parametrize(
    ("root", "target"),
    [("<disk type='file'><source file='/i/root'/><target dev='vdb'/></disk>", "vdb"), ("", None)],
)
def test_a_disk_is_copied_by_its_file(root: str, target: str | None) -> None:
    """By the name, it would be the rescue disk."""

    class Domain:
        def XMLDesc(self) -> str:
            return RESCUED.format(root=root)

    with nullcontext() if target else pytest.raises(errors.CopyFailed):
        assert copies._target(Domain(), "/i/root") == target


PCI = """<device><name>pci_0000_3b_00_1</name><capability type='pci'><domain>0</domain><bus>59</bus><slot>0</slot>
<function>1</function><product id='0x1eb8'/><vendor id='0x10de'/>{group}</capability></device>"""


def test_devices_that_guests_may_have() -> None:
    """Those in an IOMMU group that the settings name, by address or model."""
    given = PCI.format(group="<iommuGroup number='7'><address domain='0' bus='59' slot='0' function='1'/></iommuGroup>")
    texts = [given, PCI.format(group="").replace("<bus>59", "<bus>60"), "<device><capability type='net'/></device>"]
    connection = SimpleNamespace(
        listAllDevices=lambda flags: [SimpleNamespace(XMLDesc=lambda flags, text=text: text) for text in texts]
    )
    known = [{"address": "0000:3b:00.1", "model": "10de:1eb8"}]
    for names in (["10de:1eb8"], ["0000:3b:00.1"]):
        assert host.pci_devices(connection, names) == known  # type: ignore[arg-type]
    assert host.pci_devices(connection, ["8086:0443"]) == [] == host.pci_devices(connection, [])  # type: ignore[arg-type]
