"""Servers after a restart of their machine or of the cloud."""

from typing import Any

import pytest

from apps.compute import states
from apps.compute.actions import ACTIONS
from apps.compute.models import Server
from apps.compute.services import server_actions
from apps.volumes.models import Attachment, Volume
from apps.workflow.models import Finding, Run
from apps.workflow.services import cancellation
from tests.unit.actions.conftest import FLAVOR, HOST, OWNER, Acting
from workers.drivers.hypervisor.errors import HypervisorUnavailable
from workers.drivers.volume.base import VolumeSpec
from workers.drivers.volume.errors import KeyUnavailable
from workers.host import shutdown
from workers.host.reconcilers import power, unfinished

pytestmark = pytest.mark.django_db(transaction=True)


def begin(acting: Acting, action: str) -> None:
    """Begin an action whose steps are not served yet."""
    server_actions.perform(context=OWNER, server=acting.server, action=ACTIONS[action])


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch, acting: Acting) -> Any:
    """Shut the host down, as `make down` does."""
    monkeypatch.setattr(shutdown.drivers, "host_names", lambda: [HOST])
    monkeypatch.setattr(shutdown.drivers, "make", lambda host: acting.drivers)
    return lambda **options: list(shutdown.run(timeout_s=0, **options))


def test_saved_memory_survives_make_down(acting: Acting, down: Any) -> None:
    acting.do("suspend")
    boots = acting.domain()["boots"]
    down()
    acting.recover(restarted=True)
    assert (acting.server.status, acting.power) == ("SUSPENDED", "suspended")
    acting.do("resume")
    assert (acting.server.status, acting.domain()["boots"]) == ("ACTIVE", boots)


def test_make_down_takes_other_domains_away_and_make_clean_all(acting: Acting, down: Any) -> None:
    down()
    assert acting.power is None
    acting.recover(restarted=True)
    acting.do("suspend")
    down(forget_saved=True)
    assert acting.power is None


def test_a_resumed_server_has_its_volumes(acting: Acting) -> None:
    volume = Volume.objects.create(project_id="p", user_id="u", size=1, status="in-use", host=HOST)
    Attachment.objects.create(
        volume=volume, server_id=acting.id, host=HOST, status="attached", by_compute=True, device="/dev/vdd"
    )
    Server.objects.update(has_volumes=True)
    acting.drivers.volume.create_volume(VolumeSpec(id=str(volume.id), size_gib=1, format="qcow2"))
    acting.do("suspend")
    assert not acting.drivers.volume.list_exports()
    acting.do("resume")
    assert [export.volume_id for export in acting.drivers.volume.list_exports()] == [str(volume.id)]


@pytest.mark.parametrize("action", ["pause", "suspend", "stop"])
def test_a_server_that_was_busy_comes_back(acting: Acting, action: str) -> None:
    """Its machine restarts before the step begins. A stop is done; what needs a guest fails, and recovery starts it."""
    begin(acting, action)
    acting.drivers.hypervisor.stop(str(acting.id), 0)
    acting.recover(restarted=True)
    acting.run()
    acting.recover()
    is_off = action == "stop"
    assert (acting.server.status, acting.power) == (("SHUTOFF", "shutdown") if is_off else ("ACTIVE", "running"))


def test_a_server_stays_off_where_the_host_is_set_so(acting: Acting, settings: Any) -> None:
    settings.RESUME_GUESTS = False
    begin(acting, "pause")
    acting.drivers.hypervisor.stop(str(acting.id), 0)
    acting.recover(restarted=True)
    acting.run()
    acting.recover()
    assert (acting.server.status, acting.power) == ("SHUTOFF", "shutdown")


def test_what_a_restart_did_is_told(acting: Acting, settings: Any) -> None:
    for resumes, end, told in (
        (True, "running", "started: the machine restarted"),
        (False, "shutdown", "the row says shutdown now: the machine restarted, and CELERITY_RESUME_GUESTS is off"),
    ):
        settings.RESUME_GUESTS = resumes
        acting.drivers.hypervisor.stop(str(acting.id), 0)
        acting.recover(restarted=True)
        assert (acting.power, Finding.objects.latest("id").done) == (end, told)


def test_a_server_whose_image_was_made_comes_back(acting: Acting) -> None:
    Server.objects.update(task_state=states.IMAGE_UPLOADING)
    acting.drivers.hypervisor.stop(str(acting.id), 0)
    acting.recover(restarted=True)
    Server.objects.update(task_state="")
    acting.recover()
    assert (acting.server.status, acting.power) == ("ACTIVE", "running")


def test_a_server_that_cannot_be_repaired_keeps_no_other_waiting(acting: Acting) -> None:
    broken = [
        Server.objects.create(
            project_id="p", user_id="u", name="b", hostname="b", reservation_id=f"r-{number}", vm_state="error",
            host=HOST, zone="nova", flavor=FLAVOR, rebuild={},
        )
        for number in range(2)
    ]  # fmt: skip
    acting.drivers.hypervisor.stop(str(acting.id), 0)
    acting.fail("destroy")
    acting.recover(restarted=True)
    assert (acting.server.status, acting.power) == ("ACTIVE", "running")
    found = Finding.objects.filter(kind="power", resolved_at=None).values_list("subject", flat=True)
    assert set(found) == {str(server.id) for server in broken}


def test_a_guest_waits_for_its_key(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an encrypted volume: the host that has the keys starts later, say."""

    def prepare(*_: object) -> None:
        raise KeyUnavailable("No.")

    acting.drivers.hypervisor.stop(str(acting.id), 0)
    with monkeypatch.context() as later:
        later.setattr(power.servers, "prepare", prepare)
        acting.recover(restarted=True)
        assert (acting.server.status, acting.power) == ("ACTIVE", "shutdown")
    acting.recover()
    assert (acting.server.status, acting.power) == ("ACTIVE", "running")


def test_nothing_is_repaired_without_the_hypervisor(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole recovery is repeated then, and the machine counts as restarted until it ends well."""

    def finish(*_: object) -> None:
        raise HypervisorUnavailable("No.")

    monkeypatch.setattr(unfinished, "finish", finish)
    Server.objects.update(rebuild={})
    with pytest.raises(HypervisorUnavailable):
        acting.recover(restarted=True)


def test_a_snapshot_ends_even_if_its_copy_cannot_be_ended(acting: Acting) -> None:
    begin(acting, "createImage")
    acting.fail("end_copy")
    cancellation.cancel(run=Run.objects.get(pipeline="server.create_image"), message="No.", queue="")
    acting.run()
    assert (acting.run_state, acting.server.status, acting.server.task_state) == ("cancelled", "ACTIVE", "")
