"""Which rules a change of an image has to pass. Every front end asks here before it calls a service."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.images import states
from apps.images.models import Image

_WIDER = {states.PUBLIC: "publicize_image", states.COMMUNITY: "communitize_image"}


def check_new(context: RequestContext, values: Mapping[str, Any]) -> None:
    """Raise PolicyForbidden (403) unless the caller may make an image with these values."""
    project_id = str(values.get("project_id") or context.project_id or "")
    policy.check(context, "add_image", {"project_id": project_id})
    _check_visibility(context, str(values.get("visibility", states.SHARED)), project_id)


def owner_of(image: Image) -> dict[str, Any]:
    """Return what rules look at of an image."""
    return {"project_id": image.project_id}


def check(context: RequestContext, rule: str, image: Image) -> None:
    """Raise PolicyForbidden (403) unless a rule lets the caller act on an image."""
    policy.check(context, rule, owner_of(image))


def checked(context: RequestContext, changes: Callable[[Image], None]) -> Callable[[Image], None]:
    """Return ``changes``, which edits a row in place, with the check of how widely it shows the image then."""

    def change(image: Image) -> None:
        visibility = image.visibility
        changes(image)
        if image.visibility != visibility:
            _check_visibility(context, image.visibility, image.project_id)

    return change


def _check_visibility(context: RequestContext, visibility: str, project_id: str) -> None:
    if visibility in _WIDER:
        policy.check(context, _WIDER[visibility], {"project_id": project_id})
