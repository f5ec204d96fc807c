"""``manage.py load_image``: put a file into the image service. Safe to run again."""

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.identity.selectors import projects
from apps.images import attributes, states
from apps.images.models import Image
from apps.images.selectors import images as selectors
from apps.images.services import images


class Command(BaseCommand):
    help = "Load a file as an image. The same name with the same content is left alone; an older content is hidden."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--file", required=True, type=Path)
        parser.add_argument("--disk-format", default="qcow2", choices=states.DISK_FORMATS)
        parser.add_argument("--container-format", default="bare", choices=states.CONTAINER_FORMATS)
        parser.add_argument("--visibility", default=states.PUBLIC, choices=states.VISIBILITIES)
        parser.add_argument("--min-disk", type=int, default=0, help="GiB")
        parser.add_argument("--min-ram", type=int, default=0, help="MiB")
        parser.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
        parser.add_argument("--project", default="admin", help="name of the owning project")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"{path} is no file")
        project = projects.by_name(name=options["project"], domain_id="default")
        if project is None:
            raise CommandError(f"there is no project {options['project']}: run bootstrap first")
        with path.open("rb") as stream:
            sha512 = hashlib.file_digest(stream, "sha512").hexdigest()
        present = selectors.by_name_and_hash(project_id=project.id, name=options["name"], sha512=sha512)
        image = present or self._load(path, project.id, options)
        images.hide_older(image=image)
        self.stdout.write(f"{image.id} {options['name']} {'was there' if present else 'loaded'}, {image.size} bytes")

    def _load(self, path: Path, project_id: str, options: dict[str, Any]) -> Image:
        names = ("name", "disk_format", "container_format", "visibility", "min_disk", "min_ram")
        values = dict(attributes.column(name, options[name]) for name in names)
        properties = {}
        for pair in options["property"]:
            name, separator, value = pair.partition("=")
            if not separator:
                raise CommandError(f"--property {pair} is not KEY=VALUE")
            properties[name] = attributes.property_value(name, value)
        image = images.create_for_project(project_id=project_id, values=values, properties=properties)
        try:
            return images.store(image_id=image.id, path=path)
        except CloudError as error:
            images.discard(image_id=image.id)
            raise CommandError(error.message) from None
