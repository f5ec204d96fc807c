"""A cloud on real libvirt and OVN, in a network namespace: nothing of it is on the machine's own network."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.ovn import places
from deploy.private.libvirt import PrivateLibvirt
from deploy.private.ovn import down, make_environment, namespace, supervised, up
from deploy.testrun import Services
from tests.cloud import Cloud


@contextmanager
def ovn_cloud(state: Path, image: Path, **settings: str) -> Iterator[tuple[Cloud, PrivateLibvirt]]:
    """The cloud with the image `tiny`; this thread is in its namespace meanwhile, where floating IPs are reached."""
    host = f"t-{uuid.uuid4().hex[:6]}"
    state.chmod(0o755)
    (state / "machine").mkdir()
    machine = make_environment(state / "machine", host)
    here = places.of(machine)
    with namespace(), supervised(machine) as supervisor:
        up(machine, supervisor)
        with (
            Services(state) as services,
            PrivateLibvirt(state / "libvirt", **here.variables) as libvirt,
            Cloud(
                services,
                CELERITY_HYPERVISOR="libvirt",
                CELERITY_LIBVIRT_URI=libvirt.uri,
                CELERITY_HOST=host,
                CELERITY_NORTHBOUND=here.northbound,
                CELERITY_SWITCH=here.switch,
                **settings,
            ) as cloud,
        ):
            cloud.start("network-worker")
            cloud.start("metadata")
            options = ("--name", "tiny", "--file", str(image), "--disk-format", "qcow2", "--visibility", "public")
            options = (*options, "--property", "hw_qemu_guest_agent=yes")
            cloud.manage("load_image", *options)
            try:
                yield cloud, libvirt
            finally:
                cloud.delete_all()
                cloud.kill("agent", restart=False)
                cloud.manage("host_shutdown", "--timeout", "0")
        down(supervisor)
