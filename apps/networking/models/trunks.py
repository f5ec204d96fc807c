"""Trunks: a server's port that carries those of other networks too, each with a VLAN's tag."""

from django.db import models

from apps.networking import states
from apps.networking.models.base import Resource
from apps.networking.models.ports import Port


class Trunk(Resource):
    """``port`` is the parent, which the server has."""

    admin_state_up = models.BooleanField(default=True)
    port = models.OneToOneField(Port, on_delete=models.PROTECT, related_name="trunk")

    @property
    def status(self) -> str:
        """ACTIVE while the parent port is."""
        return states.ACTIVE if self.port.status == states.ACTIVE else states.DOWN


class SubPort(models.Model):
    """``segmentation_id`` is the VLAN's tag on the parent port."""

    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="sub_ports", db_index=False)
    port = models.OneToOneField(Port, on_delete=models.PROTECT, related_name="sub_port")
    segmentation_type = models.CharField(max_length=16, default=states.VLAN)
    segmentation_id = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trunk", "segmentation_id"], name="sub_port_tag_once_per_trunk"),
        ]

    def __str__(self) -> str:
        return f"{self.trunk_id}: {self.port_id}"
