"""A server that an installer's disc starts: a volume in a CD-ROM drive, beside the blank volume that comes first."""

import io
import struct
import subprocess
from pathlib import Path

import pycdlib
import pytest

from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, LabCloud
from tests.lab.test_live_moves import places
from tests.lab.test_moves import SECONDS
from tests.lab.test_moves_with_hardware import upload
from tests.lab.test_outages import findings
from tests.lab.test_volumes import VOLUME

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(900)]
ENTRY, ENTRIES_END = 446, 510  # of the partition table
BOOTED = "tiny: cannot boot: no partition labelled"  # says the initramfs: the other volume is blank


def disc(image: Path, directory: Path) -> bytes:
    """Return a disc that the firmware shows as a hard disk while it starts: loader, kernel and initramfs of `tiny`.

    These need no driver of the drive.
    """
    raw = directory / "raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    with raw.open("rb") as file:
        head = bytearray(file.read(512))
        start, sectors = struct.unpack_from("<II", head, ENTRY + 8)
        head[ENTRY + 16 : ENTRIES_END] = bytes(ENTRIES_END - ENTRY - 16)  # the first partition alone
        content = bytes(head) + file.read((start + sectors) * 512 - len(head))
    made, out = pycdlib.PyCdlib(), io.BytesIO()
    made.new(interchange_level=3)
    made.add_fp(io.BytesIO(content), len(content), "/BOOT.;1")
    made.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1", media_name="hdemul", boot_load_size=1)
    made.write_fp(out)
    made.close()
    return out.getvalue()


def test_an_installer_starts(cloud: LabCloud, guest_image: Path, tmp_path: Path) -> None:
    network, _, group = places(cloud)
    image = upload(cloud, "installer", disc(guest_image, tmp_path), "iso")
    made_with = {"destination_type": "volume", "volume_size": 1, "delete_on_termination": True}
    wanted = {
        "name": "installs", "flavorRef": cloud.flavor, "host": "compute-1",
        "networks": [{"uuid": network}], "security_groups": [{"name": group}],
        "block_device_mapping_v2": [
            {"boot_index": 0, "source_type": "blank", **made_with},
            {"boot_index": 1, "source_type": "image", "uuid": image, "device_type": "cdrom", **made_with},
        ],
    }  # fmt: skip
    answer = cloud.api.post(f"{COMPUTE}/servers", {"server": wanted}, microversion="2.74")
    guest = cloud.active(answer.json()["server"]["id"])
    wait_for(lambda: BOOTED in cloud.console(guest), what="the disc's system", seconds=SECONDS)
    cloud.clear()
    cloud.api.delete(f"/image/v2/images/{image}")
    wait_for(lambda: not cloud.api.get(f"{VOLUME}/volumes")["volumes"], what="no volumes", seconds=90)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)
