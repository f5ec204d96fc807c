"""Files that a browser sends: taken in on one page, from administrators, onto the disk of the images and no further."""

import tempfile
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from apps.common.operators import may_act
from apps.images.selectors import blobs as blob_selectors
from apps.images.services import blobs

PAGE = "admin:images_image_add"
CHUNK = 1024 * 1024
FORM = 1024 * 1024  # bytes of a form besides its file


class Intake(FileUploadHandler):
    """Streams the file from the form of new images to a file without a name, which disappears with its process.

    Django parses a form before the page checks permissions, so they are checked here: files of others take no room. Of
    a file over the cap the rest is read and dropped, and ``too_many_bytes`` is put on the request.
    """

    chunk_size = CHUNK

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:
        self._announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        request, match = self.request, self.request.resolver_match if self.request is not None else None
        if request is None or match is None or match.view_name != PAGE or not admin.site.has_permission(request):
            raise StopUpload(connection_reset=True)
        if not may_act(request):
            raise StopUpload(connection_reset=True)
        if self._announced > settings.IMAGE_SIZE_CAP + FORM:
            self._refuse()
        blobs.prepare()
        self._file, self._size = tempfile.TemporaryFile(dir=blob_selectors.staging()), 0  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if self._size > settings.IMAGE_SIZE_CAP:
            self._file.close()
            self._refuse()
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        self._file.seek(0)
        return UploadedFile(self._file, self.file_name, self.content_type, file_size)

    def _refuse(self) -> None:
        self.request.too_many_bytes = True  # type: ignore[union-attr]  # the page reads it
        raise SkipFile
