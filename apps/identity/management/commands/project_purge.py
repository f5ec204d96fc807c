"""``manage.py project_purge PROJECT``: deletes what a project owns, as the API would, and then the project."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common import audit
from apps.common.exceptions import CloudError
from apps.identity.models import Project
from apps.identity.services import owners, projects

SECONDS = 600


class Command(BaseCommand):
    help = "Delete everything that a project owns (servers, ports, networks, images, …) and then the project itself."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("project", help="its id, or its name in the default domain")
        parser.add_argument("--dry-run", action="store_true", help="only say what there is")
        parser.add_argument("--keep-project", action="store_true", help="leave the empty project behind")
        parser.add_argument("--timeout", type=int, default=SECONDS, help="seconds to wait for hosts (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        project = self._find(options["project"])
        for noun, number in owners.counts(project.pk).items():
            self.stdout.write(f"{number} {noun}")
        if options["dry_run"]:
            return
        with audit.by_command():
            self._empty(project, keep=options["keep_project"], deadline=time.monotonic() + options["timeout"])

    def _empty(self, project: Project, *, keep: bool, deadline: float) -> None:
        audit.record("purge", "project", project.pk)
        for owner in owners.registered():
            if owner.counted and owner.count(project.pk):
                self._purge(owner, project.pk, deadline)
        if keep:
            return
        try:
            projects.delete(project_id=project.pk)
        except CloudError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"project {project.name} is deleted")

    def _find(self, text: str) -> Project:
        rows = Project.objects.filter(is_domain=False)
        found = rows.filter(pk=text).first() or rows.filter(name=text, domain_id="default").first()
        if found is None:
            raise CommandError(f"there is no project {text}")
        return found

    def _purge(self, owner: owners.Owner, project_id: str, deadline: float) -> None:
        """Delete all of one noun and wait until they are gone: servers are deleted by their hosts."""
        if owner.purge is None:
            raise CommandError(f"{owner.noun} have to be deleted by hand first")
        try:
            owner.purge(owners.caller_for(project_id))
        except CloudError as error:
            raise CommandError(f"{owner.noun}: {error.message}") from None
        while owner.count(project_id):
            if time.monotonic() > deadline:
                raise CommandError(f"{owner.count(project_id)} {owner.noun} are still there: is a host away?")
            time.sleep(0.2)
        self.stdout.write(f"{owner.noun} are deleted")
