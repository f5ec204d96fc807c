"""Runs with their steps, hosts and servers, written in bulk."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.compute.models import Server
from apps.scheduling.models import Host, Inventory
from apps.workflow.models import Run, Step

STEPS = ("schedule", "allocate_network", "map_block_devices", "fetch_image", "spawn")
FLAVOR = {"id": "1", "original_name": "f", "vcpus": 1, "ram": 1, "disk": 1, "ephemeral": 0, "swap": 0}


def run(*, at: datetime, state: str = "succeeded", cause: str = "", seconds: float = 0.4, **values: Any) -> Run:
    """Return an unsaved run that was accepted ``at``."""
    return Run(
        pipeline="server.build", action="create", subject_type="server", subject_id=uuid.uuid4(), request_id="req-1",
        state=state, queue="scheduler", next_step="", error_cause=cause, created_at=at, enqueued_at=at,
        deadline_at=at + timedelta(seconds=900), finished_at=at + timedelta(seconds=seconds), **values,
    )  # fmt: skip


def steps(one: Run, *, waiting: float = 0.02, working: float = 0.2, result: str = "success") -> list[Step]:
    started = one.created_at + timedelta(seconds=waiting)
    return [
        Step(
            run=one, name=name, queue="scheduler", enqueued_at=one.created_at, started_at=started, result=result,
            finished_at=started + timedelta(seconds=working) if result else None,
        )
        for name in STEPS
    ]  # fmt: skip


def add(count: int, *, age_seconds: float = 0.0, **values: Any) -> list[Run]:
    """Write ``count`` runs with five steps each, accepted so long ago."""
    at = timezone.now() - timedelta(seconds=age_seconds)
    made = Run.objects.bulk_create([run(at=at, **values) for _ in range(count)], batch_size=1000)
    Step.objects.bulk_create([step for one in made for step in steps(one)], batch_size=5000)
    return made


def hosts(count: int, **values: Any) -> None:
    now, first = timezone.now(), Host.objects.count() + 1
    made = Host.objects.bulk_create(
        [
            Host(name=f"h{number:05}", number=number, hypervisor_type="QEMU", **{"heartbeat_at": now, **values})
            for number in range(first, first + count)
        ],
        batch_size=1000,
    )
    Inventory.objects.bulk_create(
        [Inventory(host=one, vcpus=4, ram_mib=4096, disk_gib=40, vcpus_used=3) for one in made], batch_size=1000
    )


def servers(count: int) -> None:
    Server.objects.bulk_create(
        [
            Server(
                project_id="p", user_id="u", name=f"s{number}", hostname="s", flavor=FLAVOR, reservation_id="r",
                vm_state="active", image_id=uuid.uuid4(),
            )
            for number in range(count)
        ],
        batch_size=1000,
    )  # fmt: skip
