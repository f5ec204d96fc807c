"""Clients of the Block Storage API, and volumes whose runs the tests end by themselves."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.common import dispatch
from apps.identity.models import Domain, Project
from apps.identity.states import DEFAULT_DOMAIN_ID
from apps.scheduling.models import Host, Inventory
from apps.volumes.models import EncryptionType, Snapshot, Volume, VolumeType
from apps.volumes.services import bootstrap, snapshot_states, volume_states
from apps.workflow import catalogue
from apps.workflow.catalogue import Entry
from tests.callers import Caller

PREFIX = "/volume/v3"
PIPELINES = ("volume.create", "volume.delete", "volume.extend", "snapshot.create", "snapshot.delete",
             "volume.revert", "volume.reimage",
             "volume.upload_image", "backup.create", "backup.restore", "backup.delete")  # fmt: skip


class VolumeCaller(Caller):
    """``at("3.27")`` names the microversion of the calls that follow."""

    version = ""

    def at(self, version: str) -> "VolumeCaller":
        other = VolumeCaller(self.prefix, admin=self.admin, roles=self.roles, project_id=self.project_id)
        other.version = version
        return other

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        if self.version:
            more["headers"] = {**more.get("headers", {}), "OpenStack-API-Version": f"volume {self.version}"}
        return super().call(method, path, body, **more)


def make_caller(**values: Any) -> VolumeCaller:
    domain, _ = Domain.objects.get_or_create(id=DEFAULT_DOMAIN_ID, defaults={"name": "Default"})
    caller = VolumeCaller(PREFIX, **values)
    parent = Project.objects.filter(id=domain.id).first()
    Project.objects.create(id=caller.project_id, name=caller.project_id, domain=domain, parent=parent or domain)
    return caller


@pytest.fixture
def alice(db: None) -> VolumeCaller:
    return make_caller()


@pytest.fixture
def bob(db: None) -> VolumeCaller:
    return make_caller()


@pytest.fixture
def admin(db: None) -> VolumeCaller:
    return make_caller(admin=True)


@pytest.fixture(autouse=True)
def cloud(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[uuid.UUID]]:
    """A cloud with the default type and one host. Runs are written but never sent; returns those that would be."""
    bootstrap.ensure_default_type()
    host = Host.objects.create(name="h1", number=1, zone="nova", hypervisor_type="QEMU")
    Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100, disk_used=10)
    sent: list[Any] = []
    monkeypatch.setattr(dispatch, "_send", lambda run: sent.append(run.id))
    entries = catalogue.everything()
    known = {entry.name for entry in entries}
    missing = [_entry(name) for name in PIPELINES if name not in known]
    catalogue.fill([*entries, *missing])
    yield sent
    catalogue.fill(entries)


def _entry(name: str) -> Entry:
    subject, _, verb = name.partition(".")
    return Entry(name=name, subject=subject, steps=(verb,), creates=verb == "create", releases=verb == "delete")


def end_runs() -> None:
    """End the runs of all subjects, as their last steps do: before the rows' own states, which tests set."""
    from apps.workflow import states
    from apps.workflow.models import Run

    Run.objects.filter(state__in=states.ACTIVE).update(state=states.SUCCEEDED)


@pytest.fixture
def make_volume() -> Callable[..., Any]:
    """Return a function that creates a volume over HTTP and ends its creation. It returns the document."""

    def make(who: Caller, **values: Any) -> Any:
        answer = who.post("/volumes", {"volume": {"size": 1, **values}})
        assert answer.status_code == 202, answer.content
        key = uuid.UUID(answer.json()["volume"]["id"])
        volume_states.set_host(volume_id=key, host="h1", zone="nova")
        assert volume_states.mark_available(volume_id=key)
        end_runs()
        return who.get(f"/volumes/{key}").json()["volume"]

    return make


@pytest.fixture
def make_snapshot() -> Callable[..., Any]:
    def make(who: Caller, volume: Any, **values: Any) -> Any:
        answer = who.post("/snapshots", {"snapshot": {"volume_id": volume["id"], **values}})
        assert answer.status_code == 202, answer.content
        assert snapshot_states.mark_available(snapshot_id=uuid.UUID(answer.json()["snapshot"]["id"]))
        end_runs()
        return answer.json()["snapshot"]

    return make


@pytest.fixture
def shared_type(db: None) -> VolumeType:
    return VolumeType.objects.create(name="shared", extra_specs={"multiattach": "<is> True"})


@pytest.fixture
def volume_keys(settings: Any, tmp_path: Path) -> Path:
    """The keys of encrypted volumes' passphrases."""
    settings.VOLUME_KEY_DIR = tmp_path / "volume-keys"
    bootstrap.ensure_keys()
    return tmp_path / "volume-keys"


@pytest.fixture
def secret_type(volume_keys: Path) -> VolumeType:
    row = VolumeType.objects.create(name="secret")
    EncryptionType.objects.create(volume_type=row, provider="luks", cipher="aes-xts-plain64", key_size=256)
    return row


def set_status(row: Any, status: str, model: type[Volume] | type[Snapshot] = Volume) -> None:
    model._default_manager.filter(id=row["id"]).update(status=status)


def refusal(answer: Any) -> tuple[int, str]:
    """Return the code and the sentence of a refusal in Cinder's shape."""
    ((key, fault),) = answer.json().items()
    assert set(fault) == {"code", "message"} and fault["code"] == answer.status_code
    keys = {400: "badRequest", 403: "forbidden", 404: "itemNotFound", 409: "conflictingRequest", 413: "overLimit",
            406: "notAcceptable"}  # fmt: skip
    assert key == keys[answer.status_code]
    return answer.status_code, fault["message"]
