"""A rescue or a rebuild that could not be undone is ended before the next action on the server, and never behind it."""

from typing import Any

import pytest

from apps.compute import states
from apps.compute.models import Server
from apps.workflow.models import Run
from apps.workflow.services import cancellation
from tests.unit.actions.conftest import Acting, make_image
from workers.host.reconcilers.unfinished import is_unfinished

pytestmark = pytest.mark.django_db(transaction=True)


def image_of(acting: Acting) -> str:
    """The hash of the image that the root disk was made of."""
    return str(acting.files()["root"]["backing_path"]).rpartition("/")[2]


def test_a_rebuild_is_tried_again(acting: Acting, settings: Any) -> None:
    """The row is the rebuilt server's since the first attempt."""
    settings.MAX_ATTEMPTS = 3
    image = make_image("second")
    acting.fail("spawn", error="retryable", times=1)
    acting.do("rebuild", imageRef=str(image.id))
    assert acting.server.task_state == states.REBUILD_SPAWNING and acting.power is None
    acting.retry()
    assert (acting.run_state, acting.server.status, acting.power) == ("succeeded", "ACTIVE", "running")
    assert image_of(acting) == image.os_hash_value and acting.server.rebuild is None


def test_a_rebuild_that_is_cancelled_between_two_attempts_leaves_an_error(acting: Acting, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 3
    acting.fail("spawn", error="retryable", times=1)
    acting.do("rebuild", imageRef=str(make_image("second").id))
    cancellation.cancel(run=Run.objects.get(pipeline="server.rebuild"), message="No.", queue="")
    acting.run()
    server = acting.server
    assert (acting.run_state, server.status, server.task_state) == ("cancelled", "ERROR", "")
    assert "No." in server.fault_message and is_unfinished(server)


@pytest.fixture
def half_rebuilt(acting: Acting) -> Acting:
    """A server in ERROR whose row is of a new image, with the guest and the disks of before."""
    acting.fail("destroy")
    acting.do("rebuild", imageRef=str(make_image("second").id))
    acting.fail("")
    assert (acting.server.status, acting.power) == ("ERROR", "running") and is_unfinished(acting.server)
    return acting


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ([("reboot", {"hard": True})], "ACTIVE"),
        ([("stop", {}), ("start", {})], "ACTIVE"),
        ([("rescue", {})], "RESCUE"),
    ],
)
def test_a_guest_started_after_a_failed_rebuild_is_left_alone(
    half_rebuilt: Acting, actions: list[tuple[str, Any]], status: str
) -> None:
    """It has the disks of the row's image, and recovery does not remove them."""
    for action, arguments in actions:
        half_rebuilt.do(action, **arguments)
    boots, files = half_rebuilt.domain()["boots"], half_rebuilt.files()
    half_rebuilt.recover()
    assert (half_rebuilt.server.status, half_rebuilt.power) == (status, "running")
    assert half_rebuilt.domain()["boots"] == boots and half_rebuilt.files() == files
    assert image_of(half_rebuilt) == half_rebuilt.server.image_facts["sha512"]


def test_a_second_rebuild_that_fails_keeps_what_the_first_left(half_rebuilt: Acting) -> None:
    first = half_rebuilt.server.image_id
    half_rebuilt.fail("cache_image")
    half_rebuilt.do("rebuild", imageRef=str(make_image("third").id))
    half_rebuilt.fail("")
    assert is_unfinished(half_rebuilt.server) and half_rebuilt.server.image_id == first
    half_rebuilt.do("reboot", hard=True)
    assert (half_rebuilt.server.status, half_rebuilt.power) == ("ACTIVE", "running")
    assert image_of(half_rebuilt) == half_rebuilt.server.image_facts["sha512"]


def test_a_second_rebuild_ends_what_the_first_left(half_rebuilt: Acting) -> None:
    image = make_image("third")
    half_rebuilt.do("rebuild", imageRef=str(image.id))
    assert (half_rebuilt.server.status, half_rebuilt.server.image_id) == ("ACTIVE", image.id)
    assert image_of(half_rebuilt) == image.os_hash_value and half_rebuilt.server.rebuild is None


def on_the_rescue_disk(acting: Acting, vm_state: str) -> None:
    """A rescue that was reverted on the rows alone: its guest runs from the rescue disk."""
    acting.do("rescue")
    Server.objects.update(vm_state=vm_state, power_state=states.NOSTATE)
    assert is_unfinished(acting.server) and acting.disks()["vda"] == "rescue"


@pytest.mark.parametrize(
    ("vm_state", "action", "arguments", "status", "power_state"),
    [
        (states.ACTIVE, "pause", {}, "PAUSED", "paused"),
        (states.ACTIVE, "suspend", {}, "SUSPENDED", "suspended"),
        (states.ACTIVE, "stop", {}, "SHUTOFF", "shutdown"),
        (states.ACTIVE, "reboot", {}, "ACTIVE", "running"),
        (states.ACTIVE, "reboot", {"hard": True}, "ACTIVE", "running"),
        (states.STOPPED, "start", {}, "ACTIVE", "running"),
        (states.ERROR, "reboot", {"hard": True}, "ACTIVE", "running"),
    ],
)
def test_an_action_ends_a_rescue_that_was_not_undone(
    acting: Acting, vm_state: str, action: str, arguments: Any, status: str, power_state: str
) -> None:
    on_the_rescue_disk(acting, vm_state)
    acting.do(action, **arguments)
    acting.recover()
    assert (acting.server.status, acting.power, acting.server.rescue) == (status, power_state, None)
    assert "rescue" not in acting.files()
    if power_state != "shutdown":
        assert acting.disks()["vda"] == "root"


def test_recovery_ends_a_rescue_whatever_the_power_state_says(acting: Acting) -> None:
    """An event may have written it."""
    on_the_rescue_disk(acting, states.ACTIVE)
    Server.objects.update(power_state=states.RUNNING)
    acting.recover()
    assert (acting.server.status, acting.power, acting.server.rescue) == ("ACTIVE", "running", None)
    assert acting.disks()["vda"] == "root" and "rescue" not in acting.files()


def test_a_second_rescue_that_fails_keeps_what_the_first_left(acting: Acting) -> None:
    on_the_rescue_disk(acting, states.ACTIVE)
    acting.fail("create_rescue")
    acting.do("rescue")
    acting.fail("")
    assert is_unfinished(acting.server)
    acting.recover()
    assert (acting.server.status, acting.server.rescue, acting.disks()["vda"]) == ("ACTIVE", None, "root")


def test_a_rescue_that_did_not_begin_leaves_the_guest_alone(acting: Acting) -> None:
    """Its server was in ERROR, of unknown power state, before."""
    Server.objects.update(vm_state=states.ERROR, power_state=states.NOSTATE)
    acting.fail("create_rescue")
    acting.do("rescue")
    acting.fail("")
    acting.recover()
    assert (acting.run_state, acting.server.status, acting.power) == ("failed", "ERROR", "running")
    assert acting.server.rescue is None and acting.domain()["boots"] == 1


def test_a_rescue_ends_even_if_its_disk_cannot_be_removed(acting: Acting) -> None:
    acting.fail("remove_disk")
    acting.do("rescue")
    acting.fail("")
    assert (acting.run_state, acting.server.status, acting.server.task_state) == ("failed", "ACTIVE", "")
    acting.recover()
    assert acting.server.rescue is None and acting.domain()["boots"] == 1
