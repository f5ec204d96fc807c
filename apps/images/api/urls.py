"""Routes of the image service."""

from django.urls import path

from apps.images.api.views import files, images, members, schemas, tags, versions

urlpatterns = [
    path("image", versions.Root.as_view()),
    path("image/versions", versions.Versions.as_view()),
    path("image/v2", versions.Versions.as_view()),
    path("image/v2/images", images.Images.as_view()),
    path("image/v2/images/<str:image_id>", images.ImageItem.as_view()),
    path("image/v2/images/<str:image_id>/file", files.ImageFile.as_view()),
    path("image/v2/images/<str:image_id>/actions/deactivate", images.Deactivate.as_view()),
    path("image/v2/images/<str:image_id>/actions/reactivate", images.Reactivate.as_view()),
    path("image/v2/images/<str:image_id>/members", members.Members.as_view()),
    path("image/v2/images/<str:image_id>/members/<str:member_id>", members.MemberItem.as_view()),
    path("image/v2/images/<str:image_id>/tags/<str:tag>", tags.TagItem.as_view()),
    path("image/v2/schemas/<str:name>", schemas.SchemaItem.as_view()),
    path("image/v2/info/import", schemas.ImportInfo.as_view()),
    path("image/v2/info/stores", schemas.StoresInfo.as_view()),
    path("image/internal/blobs/<str:sha512>", files.Blob.as_view()),
]
