"""Address groups: named sets of ranges that rules of security groups refer to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.networking.models.base import SharedResource


class AddressGroup(SharedResource):
    """``addresses`` are ranges of both IP versions; a rule uses the ones of its IP version."""

    addresses = ArrayField(models.CharField(max_length=64), default=list, blank=True)
