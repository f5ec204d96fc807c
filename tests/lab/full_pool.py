"""A cluster that becomes full under a guest that writes: what its owner and operators read, and the way out."""

from deploy.lab import machines
from tests import ceph
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.test_volumes import VOLUME, WRITE, Volumes, goes_on, written

FILL = "dd if=/dev/urandom of={disk} bs=1M count=8 seek=16 conv=fsync 2>/dev/null"
SUM = "dd if={disk} bs=1M count=8 skip=16 iflag=direct 2>/dev/null | sha256sum"
SPARE_MIB = 200


def fill(cluster: ceph.CephCluster, spare: str) -> None:
    """Write a volume full of something, and let the cluster be full at less than it has then."""
    written = ("bench", "--io-type", "write", "--io-size", "1M", "--io-total", f"{SPARE_MIB}M", f"volume-{spare}")
    cluster.rbd(*written)
    wait_for(lambda: cluster.used()[0] > SPARE_MIB << 20, what="the OSD's own count", seconds=30)
    used, total = cluster.used()
    cluster.be_full((used - (SPARE_MIB << 19)) / total)


def is_told(cloud: LabCloud, guest: Guest, data: str) -> None:
    """The server is ACTIVE, as its guest is not stopped. Metrics, `why` and `make doctor` say what it waits for."""
    assert cloud.api.get(f"{COMPUTE}/servers/{guest.id}")["server"]["status"] == "ACTIVE"
    first, url = cloud.lab.plan.first, f"{cloud.api.root}/metrics"
    lines = (
        'celerity_volume_pool_gib{backend="ceph",host="",kind="free"} 0.0',
        'celerity_reconciler_findings_open{kind="pool"}',
    )
    wait_for(lambda: all(line in cloud.api._send("GET", url).text for line in lines), what="metrics", seconds=120)
    for key in (data, guest.id):
        why = ("celerity", "why", key)  # of what its own host found
        wait_for(lambda why=why: "0 GiB are free" in machines.run(first, *why).stdout, what=f"{why}", seconds=90)
    doctor = machines.run(first, machines.PYTHON, "-m", "deploy.doctor", check=False).stdout
    assert f"the pool {ceph.POOL} is full" in doctor, doctor


def outlive(cloud: LabCloud, cluster: ceph.CephCluster, volumes: Volumes, guest: Guest, spare: str, data: str) -> None:
    """The guest waits while the pool is full, without an error. A volume is deleted: it goes on, and has its data."""
    disk = volumes.attach(data, guest)
    cloud.ssh(guest, FILL.format(disk=disk))
    digest = cloud.ssh(guest, SUM.format(disk=disk))
    cloud.ssh(guest, WRITE.format(disk=disk))
    goes_on(cloud, guest, "nothing")
    fill(cluster, spare)
    before = written(cloud, guest)
    is_told(cloud, guest, data)
    refused = cloud.api.post(f"{VOLUME}/volumes", {"volume": {"size": 1}}).json()["volume"]["id"]
    volumes.made.append(refused)
    volumes.wait(refused, "error")
    assert written(cloud, guest) <= before + 1
    cloud.api.delete(f"{VOLUME}/volumes/{spare}")
    volumes.made.remove(spare)
    wait_for(lambda: not cluster.is_full(), what="a cluster with room", seconds=60)
    goes_on(cloud, guest, "a full pool")
    cluster.be_full(1)
    cloud.ssh(guest, "pkill -f 'seek=' ; killall sh", check=False)
    assert cloud.ssh(guest, SUM.format(disk=disk)) == digest
    volumes.detach(data, guest)
