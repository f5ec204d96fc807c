"""Reading images: the query decides who sees which."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.common.sql.rows import Rows
from apps.images import exceptions, states
from apps.images.models import Image


def live() -> QuerySet[Image]:
    """Images that are not deleted."""
    return Image.objects.filter(deleted_at=None)


def gone(*, image_ids: Collection[uuid.UUID], before: datetime) -> list[uuid.UUID]:
    """Return those images that were deleted before that time. 1 query."""
    here = Image.objects.filter(Q(deleted_at=None) | Q(deleted_at__gte=before), id__in=image_ids)
    kept = set(here.values_list("id", flat=True))
    return sorted(set(image_ids) - kept)


def visible(*, context: RequestContext) -> QuerySet[Image]:
    """Images the caller may use when it knows their ids: its own, public, community, and those shared with it."""
    rows = live()
    if context.is_admin:
        return rows
    project = context.project_id or "-"
    shared = Q(visibility=states.SHARED, members__member_id=project)
    return rows.filter(
        Q(project_id=project)
        | Q(visibility__in=[states.PUBLIC, states.COMMUNITY])
        | Q(id__in=_ids(live().filter(shared)))
    )


def listed(
    *, context: RequestContext, visibility: str | None = None, member_status: str = states.ACCEPTED
) -> QuerySet[Image]:
    """Images that a list shows: community images only when asked for, shared ones once they were accepted.

    ``member_status`` "all" shows shared images whatever the member said.
    """
    project = context.project_id or "-"
    members = Q(visibility=states.SHARED, members__member_id=project)
    if member_status != "all":
        members &= Q(members__status=member_status)
    accepted = Q(id__in=_ids(live().filter(members)))
    mine = Q(project_id=project)
    seen = mine | Q(visibility=states.PUBLIC) | accepted
    if visibility in (states.COMMUNITY, "all"):
        seen |= Q(visibility=states.COMMUNITY)
    rows = live()
    if visibility == states.SHARED:
        return rows.filter(mine | accepted, visibility=states.SHARED)
    if visibility in states.VISIBILITIES:
        rows = rows.filter(visibility=visibility)
    return rows if context.is_admin else rows.filter(seen)


def _ids(rows: QuerySet[Image]) -> QuerySet[Image]:
    return rows.values("id")  # type: ignore[return-value]


def get(*, image_id: uuid.UUID) -> Image:
    """Return an image without a policy check: for services and workers. Raises ImageNotFound (404)."""
    image = live().filter(id=image_id).first()
    if image is None:
        raise exceptions.ImageNotFound(id=image_id)
    return image


def unfilled(*, run_id: uuid.UUID | None = None) -> QuerySet[Image]:
    """Return the images that runs of the cloud are to fill, or that of one run."""
    rows = live().exclude(filled_by=None)
    return rows if run_id is None else rows.filter(filled_by=run_id)


def has_data(*, image_id: uuid.UUID) -> bool:
    """Return whether an image is there and has its data. 1 query."""
    return live().filter(id=image_id, status=states.ACTIVE).exists()


def get_visible(*, context: RequestContext, image_id: uuid.UUID) -> Image:
    """Return an image the caller may use. Raises ImageNotFound (404). 1 query."""
    image = _VISIBLE[context.is_admin].first(project=context.project_id or "-", image=image_id)
    if image is None:
        raise exceptions.ImageNotFound(id=image_id)
    return image


_VISIBLE = {
    admin: Rows(
        f"image_{'any' if admin else 'visible'}",
        lambda project, image, admin=admin: visible(context=RequestContext(project_id=project, is_admin=admin)).filter(
            id=image
        ),
        {"project": str, "image": uuid.UUID},
    )
    for admin in (True, False)
}


def by_name_and_hash(*, project_id: str, name: str, sha512: str) -> Image | None:
    """Return a project's image of that name and content that servers can boot from, if there is one."""
    rows = live().filter(project_id=project_id, name=name, os_hash_value=sha512, status=states.ACTIVE)
    return rows.order_by("created_at").first()


def living(*, hashes: Iterable[str]) -> set[str]:
    """Return which of the contents some image still has."""
    rows = live().filter(os_hash_value__in=list(hashes)).values_list("os_hash_value", flat=True)
    return {text for text in rows if text}


def name_of(*, image_id: uuid.UUID) -> str | None:
    """Return an image's name, also of a deleted one whose row is still there: for operators' pages. 1 query."""
    return Image.objects.filter(id=image_id).values_list("name", flat=True).first()
