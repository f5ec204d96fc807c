"""What of a pool nobody manages stays where it is when other hosts work on its volumes."""

from deploy.errors import DeployError
from tests import ceph
from tests.cloud import wait_for
from tests.lab.cloud import LabCloud
from tests.lab.test_volumes import VOLUME, Volumes


class Released:
    """A volume with a snapshot that nobody manages, in a pool with an image that nobody manages."""

    def __init__(self, cloud: LabCloud, cluster: ceph.CephCluster, volumes: Volumes, volume: str) -> None:
        self.cloud, self.volumes, self.volume = cloud, volumes, volume
        cluster.rbd("create", "--size", "1G", "unmanaged-beside")
        self._cluster = cluster
        asked = {"snapshot": {"volume_id": self.volume}}
        self.snapshot = str(cloud.api.post(f"{VOLUME}/snapshots", asked).json()["snapshot"]["id"])
        path = f"{VOLUME}/snapshots/{self.snapshot}"
        wait_for(lambda: cloud.api.get(path)["snapshot"]["status"] == "available", what="the snapshot", seconds=60)
        cloud.api.post(f"{path}/action", {"os-unmanage": {}})
        wait_for(lambda: not cloud.api.get(f"{VOLUME}/snapshots")["snapshots"], what="no snapshot", seconds=60)

    def move(self, host: str) -> None:
        """Let another host of the pool have the volume."""
        if self.host() != host:
            asked = {"os-migrate_volume": {"host": f"{host}@ceph#ceph"}}
            self.cloud.api.post(f"{VOLUME}/volumes/{self.volume}/action", asked)
        self.check(host)

    def host(self) -> str:
        return str(self.volumes.shown(self.volume)["os-vol-host-attr:host"]).partition("@")[0]

    def check(self, host: str) -> None:
        """The volume is on the host, which lists what the pool has besides; the other one has no such snapshot."""
        assert self.host() == host
        for other in ("compute-1", "compute-2"):
            listed = self._listed("snapshot", other)
            assert listed in ([[f"_snapshot-{self.snapshot}"]] if other == host else [[], ["silent"]]), listed
        assert self._listed("volume", host) == ["beside"]

    def _listed(self, kind: str, host: str) -> list[str]:
        path = f"{VOLUME}/manageable_{kind}s"
        try:
            answer = self.cloud.api.get(path, host=f"{host}@ceph", microversion="volume 3.8")
        except DeployError:  # it is down
            return ["silent"]
        free = [row for row in answer[f"manageable-{kind}s"] if row["safe_to_manage"]]
        return [row["reference"]["source-name"] for row in free]

    def manage(self) -> None:
        """Take the snapshot over again, and delete all."""
        ref = {"source-name": f"_snapshot-{self.snapshot}"}
        asked = {"snapshot": {"volume_id": self.volume, "ref": ref}}
        self.cloud.api.post(f"{VOLUME}/manageable_snapshots", asked, microversion="volume 3.8")
        rows = f"{VOLUME}/snapshots"
        wait_for(
            lambda: [row["status"] for row in self.cloud.api.get(rows)["snapshots"]] == ["available"],
            what="it",
            seconds=60,
        )
        self.cloud.api.delete(f"{rows}/{self.cloud.api.get(rows)['snapshots'][0]['id']}")
        wait_for(lambda: not self.cloud.api.get(rows)["snapshots"], what="no snapshot", seconds=60)
        self._cluster.rbd("rm", "--no-progress", "unmanaged-beside")
