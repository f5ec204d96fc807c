"""Calls of Cinder's that this cloud does not have: they say so, rather than that there is no such place."""

from apps.common.api import not_offered
from apps.volumes.api.views.base import VolumeView


class NotOfferedView(not_offered.NotOfferedView, VolumeView):
    """``what`` names the feature."""
