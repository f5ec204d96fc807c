"""Which back end a new volume goes to, and which driver is asked of one."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.scheduling.exceptions import NoValidHost
from apps.volumes.models import Volume, VolumeType
from apps.volumes.services import placements, server_volumes
from tests.api.compute.in_process import Worker
from tests.unit.volumes.test_backends import begin, worker
from workers.drivers.volume.backends import Backends

__all__ = ["worker"]
pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The scheduler was."""


def test_a_kill_between_two_back_ends(worker: Worker) -> None:
    """The run that begins again tries the first choice first."""
    volume = begin("local", volume_type=None)

    def choose(row: Volume) -> None:
        if row.backend == "local":
            raise NoValidHost(reason="no host is heard")
        raise Killed

    with pytest.raises(Killed):
        placements.on_first(Volume.objects.get(id=volume.id), choose)
    assert worker.work() == ["succeeded"]
    volume.refresh_from_db()
    assert (volume.backend, volume.format) == ("local", "qcow2")


def test_hosts_are_listed_once_for_all_back_ends(worker: Worker) -> None:
    kind = VolumeType.objects.create(name="large", extra_specs={"free_capacity_gb": ">= 95"})
    volume = Volume(project_id="p", size=1, backend="local", volume_type=kind)
    with CaptureQueriesContext(connection) as queries:
        assert server_volumes.unsuited_hosts(volumes=[volume]) == {"sim-002"}
    assert len(queries) <= 8


def test_a_volume_that_no_pool_has_is_of_the_back_end_that_its_row_names(worker: Worker) -> None:
    """What that one says of it holds, not what another one does."""
    pools = worker.drivers.volume.backends()
    named = Backends(pools, lambda _: "ssd")
    assert named._of(str(uuid.uuid4())) is pools["ssd"]
    assert Backends(pools)._of(str(uuid.uuid4())) is pools["local"]
