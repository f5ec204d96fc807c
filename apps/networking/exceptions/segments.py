"""Refusals about segments."""

from apps.common.exceptions import NotFound


class SegmentNotFound(NotFound):
    kind = "SegmentNotFound"
    template = "Segment {id} could not be found."
