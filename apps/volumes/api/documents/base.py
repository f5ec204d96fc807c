"""Common parts of documents: links."""

from django.http import HttpRequest

PREFIX = "/volume/v3"


class Links:
    """The two links every entity has, for one request; the bookmark has no version in it."""

    def __init__(self, request: HttpRequest, project_id: str | None) -> None:
        project = f"/{project_id}" if project_id else ""
        self.base = request.build_absolute_uri(f"{PREFIX}{project}")
        self.bookmark = request.build_absolute_uri(f"/volume{project}")

    def of(self, kind: str, key: object) -> list[dict[str, str]]:
        return [
            {"rel": "self", "href": f"{self.base}/{kind}/{key}"},
            {"rel": "bookmark", "href": f"{self.bookmark}/{kind}/{key}"},
        ]
