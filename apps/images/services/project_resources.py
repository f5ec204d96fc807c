"""A project's resources in the image service, for deleting the project."""

from apps.common.context import RequestContext
from apps.identity.services.project_resources import ProjectResource
from apps.identity.services.project_resources import register as register_resource
from apps.images.models import Image
from apps.images.services import images


def count_images(project_id: str) -> int:
    return Image.objects.filter(project_id=project_id, deleted_at=None).count()


def purge_images(context: RequestContext) -> None:
    """Delete every image of the caller's project, protected ones too."""
    rows = Image.objects.filter(project_id=context.project_id, deleted_at=None)
    rows.filter(protected=True).update(protected=False)
    for image in rows:
        images.delete(image=image)


def register() -> None:
    register_resource(ProjectResource(noun="images", count=count_images, purge=purge_images, rank=2))
