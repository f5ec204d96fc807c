"""The project's id that old catalogs put into URLs: ``/compute/v2.1/{project_id}/servers``."""

from django.urls import register_converter


class ProjectIdConverter:
    """A UUID with or without dashes. No call of compute or volume begins with one."""

    regex = "[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

    def to_python(self, value: str) -> str:
        return value.replace("-", "")

    def to_url(self, value: str) -> str:
        return value


register_converter(ProjectIdConverter, "project")
