"""Routes of the image service."""

from django.urls import URLPattern, URLResolver, path

from apps.common.api import not_offered
from apps.images.api.routes_not_offered import NOT_OFFERED
from apps.images.api.views import files, images, members, metadefs, schemas, tags, versions

NAMESPACES = "image/v2/metadefs/namespaces"
NAMESPACE = f"{NAMESPACES}/<str:namespace>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("image", versions.Root.as_view()),
    path("image/versions", versions.Versions.as_view()),
    path("image/v2", versions.Versions.as_view()),
    path("image/v2/images", images.Images.as_view()),
    path("image/v2/images/<str:image_id>", images.ImageItem.as_view()),
    path("image/v2/images/<str:image_id>/file", files.ImageFile.as_view()),
    path("image/v2/images/<str:image_id>/actions/deactivate", images.Deactivate.as_view()),
    path("image/v2/images/<str:image_id>/actions/reactivate", images.Reactivate.as_view()),
    path("image/v2/images/<str:image_id>/tasks", images.ImageTasks.as_view()),
    path("image/v2/images/<str:image_id>/members", members.Members.as_view()),
    path("image/v2/images/<str:image_id>/members/<str:member_id>", members.MemberItem.as_view()),
    path("image/v2/images/<str:image_id>/tags/<str:tag>", tags.TagItem.as_view()),
    path("image/v2/schemas/<str:name>", schemas.SchemaItem.as_view()),
    path("image/v2/schemas/metadefs/<str:name>", schemas.MetadefSchemaItem.as_view()),
    path("image/v2/metadefs/resource_types", metadefs.ResourceTypes.as_view()),
    path(NAMESPACES, metadefs.Namespaces.as_view()),
    path(NAMESPACE, metadefs.NamespaceItem.as_view()),
    path(f"{NAMESPACE}/objects", metadefs.Objects.as_view()),
    path(f"{NAMESPACE}/objects/<str:name>", metadefs.ObjectItem.as_view()),
    path(f"{NAMESPACE}/properties", metadefs.Properties.as_view()),
    path(f"{NAMESPACE}/properties/<str:name>", metadefs.PropertyItem.as_view()),
    path(f"{NAMESPACE}/tags", metadefs.Tags.as_view()),
    path(f"{NAMESPACE}/tags/<str:name>", metadefs.TagItem.as_view()),
    path(f"{NAMESPACE}/resource_types", metadefs.Associations.as_view()),
    path(f"{NAMESPACE}/resource_types/<str:name>", metadefs.AssociationItem.as_view()),
    path("image/v2/info/import", schemas.ImportInfo.as_view()),
    path("image/v2/info/stores", schemas.StoresInfo.as_view()),
    *not_offered.routes("image/v2", NOT_OFFERED),
    path("image/internal/blobs/<str:sha512>", files.Blob.as_view()),
    path("image/internal/uploads/<uuid:image_id>/<uuid:run_id>", files.Upload.as_view()),
]
