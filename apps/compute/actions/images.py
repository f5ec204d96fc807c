"""Actions that make images of a server's disk, and what its guest's agent does."""

from apps.compute import action_bodies as bodies
from apps.compute import states
from apps.compute.actions.base import Button, ServerAction

# nova/compute/api.py, snapshot and backup: a lock keeps a server from changes, and these are none.
_WITH_DISK = (states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED)
CREATE_IMAGE = ServerAction(
    name="createImage", key="createImage", rule="servers:create_image", title="Create an image",
    icon="photo_camera",
    explains="Makes an image of the server's root disk. A running guest is not stopped; where the image has "
    "hw_qemu_guest_agent, the guest's agent freezes its file systems for a moment. Of a server that boots from a "
    "volume, the image names a snapshot of each of its volumes.",
    body=bodies.IMAGE, arguments=bodies.image, defaults={"name": "", "metadata": {}}, makes_image=True,
    vm_states=_WITH_DISK, ignores_lock=True,
    task_state=states.IMAGE_SNAPSHOT_PENDING, task_states=(states.IMAGE_SNAPSHOT, states.IMAGE_UPLOADING),
    pipeline="server.create_image", service="server_images.create",
    button=Button(done="The image {result} is being made of {server}."),
)  # fmt: skip
CREATE_BACKUP = ServerAction(
    name="createBackup", key="createBackup", rule="os-create-backup", title="Create a backup", icon="backup",
    explains="Makes an image of the server's root disk, and deletes the oldest ones of the same backup_type beyond "
    "rotation.",
    body=bodies.BACKUP, arguments=bodies.backup, makes_image=True,
    vm_states=_WITH_DISK, ignores_lock=True,
    task_state=states.IMAGE_BACKUP, task_states=(states.IMAGE_SNAPSHOT, states.IMAGE_UPLOADING),
    pipeline="server.create_backup", service="server_images.back_up",
    button=Button(
        done="The backup {result} is being made of {server}.", confirm="Back {server} up",
        asks=("name", "backup_type", "rotation"),
    ),
)  # fmt: skip
CHANGE_PASSWORD = ServerAction(
    name="changePassword", key="changePassword", rule="os-admin-password", title="Change the password",
    icon="password",
    explains="Has the guest's agent set the administrator's password. 409 where no agent answers.",
    body=bodies.PASSWORD, arguments=bodies.password,
    vm_states=(states.ACTIVE,), task_state=states.UPDATING_PASSWORD, pipeline="server.change_password",
    service="guest_passwords.change",
    button=Button(
        done="The password of {server} is being changed.", confirm="Change the password of {server}",
        asks=("adminPass",),
    ),
)  # fmt: skip
