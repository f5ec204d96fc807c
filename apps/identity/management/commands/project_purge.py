"""``celerity project_purge PROJECT``: delete a project's resources through the API's services, and then the project."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common import audit
from apps.common.exceptions import CloudError
from apps.identity.models import Project
from apps.identity.services import project_resources, projects

SECONDS = 600
AGAIN_SECONDS = 2


class Command(BaseCommand):
    help = "Delete everything that a project owns (servers, ports, networks, images, …) and then the project itself."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("project", help="project id, or project name in the default domain")
        parser.add_argument("--dry-run", action="store_true", help="list what would be deleted; delete nothing")
        parser.add_argument("--keep-project", action="store_true", help="keep the empty project")
        parser.add_argument("--timeout", type=int, default=SECONDS, help="seconds to wait for hosts (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        project = self._find(options["project"])
        owned = project_resources.counts(project.pk)
        for noun, number in owned.items():
            self.stdout.write(f"{number} {noun}")
        if not owned:
            self.stdout.write(f"Project {project.name} owns nothing.")
        if options["dry_run"]:
            end = "" if options["keep_project"] else f" Without --dry-run, the project {project.name} is deleted too."
            self.stdout.write(f"Nothing was deleted.{end}")
            return
        with audit.by_command():
            self._empty(project, keep=options["keep_project"], deadline=time.monotonic() + options["timeout"])

    def _empty(self, project: Project, *, keep: bool, deadline: float) -> None:
        audit.record("purge", "project", project.pk)
        for resource in project_resources.registered():
            if resource.counted and resource.count(project.pk):
                self._purge(resource, project.pk, deadline)
        if keep:
            return
        try:
            projects.delete(project_id=project.pk)
        except CloudError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Deleted the project {project.name}.")

    def _find(self, text: str) -> Project:
        rows = Project.objects.filter(is_domain=False)
        project = rows.filter(pk=text).first() or rows.filter(name=text, domain_id="default").first()
        if project is None:
            raise CommandError(f"No project has the id or name {text}.")
        return project

    def _purge(self, resource: project_resources.ProjectResource, project_id: str, deadline: float) -> None:
        """Delete all of one noun and wait until they are gone: servers are deleted by their hosts."""
        if resource.purge is None:
            raise CommandError(f"Delete the {resource.noun} by hand first.")
        caller, asked = project_resources.caller_for(project_id), 0.0
        while not asked or resource.count(project_id):
            if time.monotonic() > deadline:
                raise CommandError(f"{resource.count(project_id)} {resource.noun} are not deleted yet. Is a host down?")
            if not asked or (resource.repeats and time.monotonic() - asked > AGAIN_SECONDS):
                asked = time.monotonic()
                try:
                    resource.purge(caller)
                except CloudError as error:
                    raise CommandError(f"{resource.noun}: {error.message}") from None
            else:
                time.sleep(0.2)
        self.stdout.write(f"Deleted the {resource.noun}.")
