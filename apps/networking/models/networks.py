"""Networks: one broadcast domain each."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.networking import states
from apps.networking.models.base import SharedResource
from apps.networking.models.qos import QosPolicy


class Network(SharedResource):
    """``mtu`` in bytes. ``automatic_range`` numbers the range of a network that was made for a project by itself.

    An empty ``network_type`` is the cloud's own. ``physical_network`` names the bridge mapping of hosts that a flat or
    VLAN network leads to; ``segmentation_id`` is the VLAN's tag there. An external network is everybody's to see, or
    with ``external_to_all`` False that of the projects ``external_to``, as its RBAC policies say.
    """

    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=16, default=states.ACTIVE)
    external = models.BooleanField(default=False)
    external_to_all = models.BooleanField(default=True)
    external_to = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    is_default = models.BooleanField(default=False)
    mtu = models.PositiveIntegerField(default=1500)
    port_security_enabled = models.BooleanField(default=True)
    dns_domain = models.CharField(max_length=255, blank=True, default="")
    qos_policy = models.ForeignKey(
        QosPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="networks", db_index=False
    )
    availability_zone_hints = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    network_type = models.CharField(max_length=16, blank=True, default="")
    physical_network = models.CharField(max_length=64, blank=True, default="")
    segmentation_id = models.PositiveIntegerField(null=True, blank=True)
    automatic_range = models.PositiveIntegerField(null=True, blank=True, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["qos_policy"], name="network_qos", condition=models.Q(qos_policy__isnull=False)),
            models.Index(fields=["shared"], name="network_shared", condition=models.Q(shared=True)),
            models.Index(fields=["external"], name="network_external", condition=models.Q(external=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project_id"],
                condition=models.Q(automatic_range__isnull=False),
                name="network_one_automatic_per_project",
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True, external=True),
                name="network_one_default_external",
            ),
            # One untagged network and one of each tag on a physical network.
            models.UniqueConstraint(
                fields=["physical_network", "segmentation_id"],
                condition=~models.Q(physical_network=""),
                nulls_distinct=False,
                name="network_segment_once",
            ),
        ]
