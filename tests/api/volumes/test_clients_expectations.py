"""What the CSI driver, Packer and gophercloud expect of volumes; of attachments: test_volume_attachments.py."""

import uuid
from typing import Any

import pytest

from apps.identity.services import bootstrap
from apps.volumes.models import Attachment, Volume
from apps.volumes.services import attachments


def test_both_names_of_the_service_have_one_url() -> None:
    """gophercloud picks any of them; Packer knows the older one alone."""
    urls = {row[-1] for row in bootstrap.SERVICES if row[0] in ("volumev3", "block-storage")}
    assert urls == {"/volume/v3/$(project_id)s"}


@pytest.mark.parametrize(
    ("status", "attached"), [("available", False), ("attaching", False), ("in-use", True), ("detaching", True)]
)
def test_the_truth_is_in_the_volume(alice: Any, status: str, attached: bool) -> None:
    """CSI reads ``attachments[].server_id`` and the status's exact word; a name finds its volume alone."""
    names = ("pvc-1", "pvc-10", "PVC-1")
    rows = [
        Volume.objects.create(project_id=alice.project_id, user_id="u", name=name, size=1, status=status)
        for name in names
    ]
    server = uuid.uuid4()
    Attachment.objects.create(volume=rows[0], server_id=server, status="attached" if attached else "attaching")
    if status == "detaching":  # the guest has the disk until it releases it
        Volume.objects.filter(id=rows[0].id).update(status="in-use")
        attachments.begin_detach(attachment=Attachment.objects.get())
    listed = alice.at("3.34").get("/volumes/detail?name=pvc-1").json()["volumes"]
    assert [row["id"] for row in listed] == [str(rows[0].id)]
    assert listed[0]["status"] == status
    assert [row["server_id"] for row in listed[0]["attachments"]] == ([str(server)] if attached else [])
    if status != "available":
        assert alice.delete(f"/volumes/{rows[0].id}").status_code == 400  # CSI tries again
