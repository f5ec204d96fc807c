"""Actions that move a server to another host while it runs, or when its own is dead."""

from apps.common.microversions import since
from apps.common.policy import ADMIN, PROJECT_MANAGER
from apps.compute import migration_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, ServerAction

# What os-instance-actions shows of migrations under way that are ended by hand (nova/compute/instance_actions.py).
LIVE_ABORT, LIVE_FORCE_COMPLETE = "live_migration_cancel", "live_migration_force_complete"
LIVE_MIGRATE = ServerAction(
    name="live-migration", key="os-migrateLive", rule="os-migrate-server:migrate_live",
    who=PROJECT_MANAGER, title="Live-migrate", icon="directions_run",
    explains="Moves the server to another host while its guest runs on: disks and memory are copied, then the guest is "
    "paused for a moment.",
    body=bodies.MIGRATE_LIVE_ANY,
    bodies={
        since("2.1", "2.24"): bodies.MIGRATE_LIVE_OLD, since("2.25", "2.29"): bodies.MIGRATE_LIVE,
        since("2.30", "2.67"): bodies.MIGRATE_LIVE_FORCED, since("2.68"): bodies.MIGRATE_LIVE,
    },
    arguments=bodies.migrate_live, defaults={"host": "", "block_migration": "auto", "force": False},
    vm_states=(states.ACTIVE, states.PAUSED), task_state=states.MIGRATING, pipeline="server.live_migrate",
    host_role="source", service="live_migrations.begin",
    button=Button(done="{server} is being moved to another host while it runs."),
)  # fmt: skip
EVACUATE = ServerAction(
    name="evacuate", key="evacuate", rule="os-evacuate", who=ADMIN, title="Evacuate", icon="emergency",
    explains="Makes the server again on another host, if its own is dead and an operator has forced it down: it must "
    "not run there any more. Volumes, and disks in a pool of all hosts, keep their data; other disks are made again "
    "from the image: their data is lost.",
    body=bodies.EVACUATE_FORCED,
    bodies={
        since("2.1", "2.13"): bodies.EVACUATE_OLD, since("2.14", "2.28"): bodies.EVACUATE,
        since("2.29", "2.67"): bodies.EVACUATE_FORCED, since("2.68"): bodies.EVACUATE,
    },
    arguments=bodies.evacuate, defaults={"host": "", "admin_password": None, "force": False}, answer="adminPass",
    answer_versions=since("2.1", "2.13"), code=200,
    vm_states=(states.ACTIVE, states.STOPPED, states.ERROR), task_state=states.REBUILDING,
    task_states=(states.REBUILD_SPAWNING,), pipeline="server.evacuate", host_role="source", service="evacuations.begin",
    button=Button(done="{server} is being made again on another host.", interrupts=True, destroys=True),
)  # fmt: skip
