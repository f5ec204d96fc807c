"""The guest image's build and its scripts, without booting anything."""

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.guest_images.builder import disk, initramfs, modules, packages, stamp

GUEST = Path(__file__).resolve().parents[4] / "deploy/guest_images/tiny"
SCRIPTS = GUEST / "rootfs/lib/tiny"

needs_busybox = pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox, the guest's shell and awk")


def busybox(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of busybox's commands as the guest does."""
    return subprocess.run(
        ["busybox", *map(str, arguments)],
        input=text, capture_output=True, encoding="utf-8", check=False, timeout=60, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def flatten(document: object, path: str = "") -> list[str]:
    """What json.awk should print for `document`, in Python."""
    if document is None:
        return []
    if isinstance(document, dict):
        steps = {escape(key.replace("~", "~0").replace("/", "~1")): value for key, value in document.items()}
        return [line for key, value in steps.items() for line in flatten(value, f"{path}/{key}")]
    if isinstance(document, list):
        return [line for n, value in enumerate(document) for line in flatten(value, f"{path}/{n}")]
    return [f"{path}\t{escape(document) if isinstance(document, str) else json.dumps(document)}"]


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def awk_flatten(text: str) -> list[str]:
    done = busybox("awk", "-f", SCRIPTS / "json.awk", text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines() if "\r" not in done.stdout else done.stdout.split("\n")[:-1]


TRICKY = {
    "uuid": "83679162-1378-4288-a2d4-70e13ec132aa",
    "hostname": "vm1.example.org",
    "public_keys": {'my "key" / a~b': "ssh-ed25519 AAAA= a@b\n", "two": "line 1\nline 2\\n\ttab"},
    "meta": {},
    "name.with.dots": "é 😀 \\u00e9",
    "list": [1, -2.5, True, False, None, [], {"": "empty key"}],
    "nested": {"hostname": "wrong", "braces": '}{"][,:'},
}


@needs_busybox
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "utf-8"])
@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "many lines"])
def test_json_is_flattened(ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(TRICKY, ensure_ascii=ascii_only, indent=indent)
    assert awk_flatten(text) == flatten(TRICKY)


# No control characters but those that metadata has; no lone surrogates, which UTF-8 cannot say.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\t"), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@needs_busybox
@settings(max_examples=40, deadline=None)
@given(st.dictionaries(texts, documents, max_size=5))
def test_any_json_is_flattened(document: dict[str, object]) -> None:
    assert awk_flatten(json.dumps(document)) == flatten(document)


@needs_busybox
@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "[1,]", '"\\q"', "{} x", "{'a': 1}", '{"a": "b}', "[1 2]"])
def test_malformed_json_is_refused(text: str) -> None:
    done = busybox("awk", "-f", SCRIPTS / "json.awk", text=text)
    assert done.returncode == 1
    assert "at character" in done.stderr


@needs_busybox
def test_values_are_found_by_path(tmp_path: Path) -> None:
    flat = tmp_path / "meta.flat"
    flat.write_text("\n".join(awk_flatten(json.dumps(TRICKY))) + "\n")
    script = f'. {SCRIPTS}/common; json_get {flat} "$1"; echo --; json_values {flat} "$2"'
    done = busybox("sh", "-c", script, "sh", "/hostname", "/public_keys")
    assert done.stdout == "vm1.example.org\n--\nssh-ed25519 AAAA= a@b\n\nline 1\nline 2\\n\ttab\n"
    assert busybox("sh", "-c", script, "sh", "/nothing", "/meta").stdout == "--\n"


@needs_busybox
def test_the_known_parts_of_a_cloud_config() -> None:
    config = (
        "#cloud-config\n# comment\nhostname: 'vm9'\npassword: \"a # b\"\n\nssh_authorized_keys:\n"
        "- ssh-ed25519 AAAA one\n  - 'ssh-rsa BBBB two'\nruncmd:\n  - echo a b  # said\n  - [ls, -l]\n"
        "users:\n  - name: x\n"
    )
    done = busybox("awk", "-f", SCRIPTS / "cloud-config.awk", text=config)
    assert done.stdout.splitlines() == [
        "hostname\tvm9", "password\ta # b", "key\tssh-ed25519 AAAA one", "key\tssh-rsa BBBB two",
        "run\techo a b", "unknown\truncmd item [ls, -l]", "unknown\tusers",
    ]  # fmt: skip


@needs_busybox
@pytest.mark.parametrize(
    ("mask", "prefix"),
    [("255.255.255.0", "24"), ("0.0.0.0", "0"), ("255.255.240.0", "20"), ("ffff:ffff:ffff:ffff::", "64"), ("48", "48")],
)
def test_netmask_to_prefix(mask: str, prefix: str) -> None:
    done = busybox("sh", "-c", f'. {SCRIPTS}/common; . {SCRIPTS}/network; prefix_of "$1"', "sh", mask)
    assert done.stdout.strip() == prefix


@needs_busybox
@pytest.mark.parametrize(
    ("types", "asked"),
    [("ipv4", "no"), ("ipv4_dhcp", "yes"), ("ipv4_dhcp ipv6", "yes"), ("ipv4 ipv6_slaac", "no"), ("ipv6_slaac", "yes")],
)
def test_dhcp_is_asked_where_an_address_is_left_to_it(tmp_path: Path, types: str, asked: str) -> None:
    lines = ["/links/0/ethernet_mac_address\taa", "/links/0/id\ttap0"]
    for number, kind in enumerate(types.split()):
        lines += [f"/networks/{number}/link\ttap0", f"/networks/{number}/type\t{kind}"]
    (tmp_path / "network_data.flat").write_text("\n".join(lines) + "\n")
    script = f""". {SCRIPTS}/common; . {SCRIPTS}/network; MD={tmp_path} RUN={tmp_path}
        add_static_address() {{ :; }}; use_static_network eth0 aa >/dev/null && echo no || echo yes"""
    done = busybox("sh", "-c", script, "sh")
    assert done.stdout.strip() == asked


@needs_busybox
@pytest.mark.parametrize("path", [p for p in sorted(SCRIPTS.iterdir()) if p.suffix != ".awk"], ids=lambda p: p.name)
def test_scripts_can_be_parsed(path: Path) -> None:
    assert busybox("sh", "-n", path).stderr == ""


def test_partition_table() -> None:
    sector = disk.partition_table(b"\xeb" * 440, 24, 56)
    assert len(sector) == disk.SECTOR
    assert sector[510:] == b"\x55\xaa"
    boot, root, *rest = (sector[446 + 16 * n : 462 + 16 * n] for n in range(4))
    assert (boot[0], boot[4], *struct.unpack("<II", boot[8:])) == (0x80, 0x06, 2048, 24 * 2048)
    # the guest's first script writes the root's size at byte 474
    assert (root[0], root[4], *struct.unpack("<II", root[8:])) == (0, 0x83, 25 * 2048, 56 * 2048)
    assert sector[474:478] == struct.pack("<I", 56 * 2048)
    assert rest == [bytes(16), bytes(16)]


def read_cpio(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Entries of a "newc" archive: name to mode and content."""
    stream, entries = io.BytesIO(data), {}
    while True:
        head = stream.read(110)
        assert head[:6] == b"070701"
        fields = [int(head[6 + 8 * n : 14 + 8 * n], 16) for n in range(13)]
        name = stream.read(fields[11])[:-1].decode()
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        content = stream.read(fields[6])
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        if name == "TRAILER!!!":
            return entries
        entries[name] = (fields[1], content)


def test_cpio_archive(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "init").write_text("#!/bin/sh\n")
    (tmp_path / "init").chmod(0o755)
    (tmp_path / "sh").symlink_to("busybox")
    entries = read_cpio(initramfs.cpio(tmp_path))
    assert list(entries) == ["dev", "dev/console", "init", "sh"]
    assert entries["init"] == (0o100755, b"#!/bin/sh\n")
    assert entries["sh"] == (0o120777, b"busybox")
    assert entries["dev/console"] == (0o020600, b"")


def test_package_lists_are_read() -> None:
    listing = (
        "'http://deb.debian.org/debian/pool/z/zlib1g.deb' zlib1g_1%3a1.2_amd64.deb 86684 SHA256:d7dd\n"
        "W: something else\n'http://x/b.deb' busybox-static_1_amd64.deb 12 \n"
    )
    first, second = packages.parse_uris(listing)
    assert (first.package, first.size, first.digest) == ("busybox-static", 12, "")
    assert (second.package, second.algorithm, second.digest) == ("zlib1g", "sha256", "d7dd")


def test_an_archive_must_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.deb"
    archive = packages.Archive("a.deb", 3, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert not archive.is_at(path)
    path.write_bytes(b"abc")
    assert archive.is_at(path)
    path.write_bytes(b"abd")
    assert not archive.is_at(path)


def test_modules_bring_what_they_need() -> None:
    table = modules.parse_dependencies("kernel/a/net-failover.ko: kernel/a/failover.ko\nkernel/a/failover.ko:\n")
    assert modules.closure(table, ["net_failover", "built_in"]) == ["kernel/a/failover.ko", "kernel/a/net-failover.ko"]


def test_the_stamp_knows_its_image(tmp_path: Path) -> None:
    image = tmp_path / "tiny.qcow2"
    assert not stamp.matches(image, "x")
    image.write_bytes(b"image")
    stamp.write(image, "x", [])
    assert stamp.matches(image, "x")
    assert not stamp.matches(image, "y")
    image.write_bytes(b"cut off")
    assert not stamp.matches(image, "x")


def test_the_inputs_are_scripts_and_versions(tmp_path: Path) -> None:
    (tmp_path / "init").write_text("1")
    old = [packages.Archive("a_1.deb", 1, "", "")]
    new = [packages.Archive("a_2.deb", 1, "", "")]
    first = stamp.inputs([tmp_path], old)
    assert first == stamp.inputs([tmp_path], old)
    assert first != stamp.inputs([tmp_path], new)
    (tmp_path / "README.md").write_text("words change nothing")
    assert first == stamp.inputs([tmp_path], old)
    (tmp_path / "init").write_text("2")
    assert first != stamp.inputs([tmp_path], old)
